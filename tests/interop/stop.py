"""SIGTERM under load: no response is truncated, requests in progress are answered, the process exits in time with 0. A
second signal ends it at once.

A request gets its whole response, or its connection closes before the first byte of it. The latter only if the server may
not have read the head: because the client sent it at about the time of the signal, or after a response with
`Connection: close` (RFC 9112 9.6).
"""

import signal
import threading
import time

from harness import Checks, Cut, Reader, Server, connect

THREADS = 32
ANSWERS_BEFORE = 3000  # of all threads together, until the signal is sent
READ_WITHIN = 0.15  # seconds after which the server has certainly read a head
STOPS_WITHIN = 5  # far below the grace time of 25 s: the longest request takes 0.5 s

PLAIN = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"
JSON = b"GET /json HTTP/1.1\r\nHost: a\r\n\r\n"
DELAY = b"GET /delay/0.2 HTTP/1.1\r\nHost: a\r\n\r\n"
LONG = b"GET /delay/0.5 HTTP/1.1\r\nHost: a\r\n\r\n"
UPLOAD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"u" * 200_000
BIG = b"GET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n"
DRIP = b"GET /drip?duration=0.3&numbytes=30 HTTP/1.1\r\nHost: a\r\n\r\n"

# What a thread sends in one piece, in a loop: each request and a part of its response.
MIXES = [
    [(PLAIN, b"Hello, World!")],
    [(DELAY, b'"delay": 0.2')],
    [(PLAIN, b"Hello, World!"), (JSON, b'"message"')],
    [(LONG, b'"delay": 0.5')],
    [(DELAY, b'"delay": 0.2'), (PLAIN, b"Hello, World!")],
    [(UPLOAD, b"u" * 200_000)],
    [(BIG, b"")],
    [(DRIP, b"*" * 30)],
]

checks = Checks("stop")


class Load:
    """Threads that send requests until the server refuses connections, and the outcome of each request."""

    def __init__(self, address):
        self.address = address
        self.lock = threading.Lock()
        self.answers = 0
        self.enough = threading.Event()
        self.unanswered = []  # (when it was sent, its line, whether the answer before it said close)
        self.wrong = []
        self.closing_answers = 0  # responses with Connection: close
        self.threads = [threading.Thread(target=self.ask, args=(MIXES[at % len(MIXES)],)) for at in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def ask(self, mix):
        try:
            while True:
                try:
                    link = connect(self.address, timeout=10)
                except ConnectionRefusedError:
                    return
                except ConnectionResetError:
                    continue
                with link:
                    reader = Reader(link)
                    while self.ask_once(link, reader, mix):
                        pass
        except Exception as error:  # noqa: BLE001: a failure, printed at the end
            with self.lock:
                self.wrong.append(f"{type(error).__name__}: {error}")
            self.enough.set()

    def ask_once(self, link, reader, mix):
        """Sends the requests of a mix in one piece and reads their answers. False when the connection is over."""
        sent = time.monotonic()
        try:
            link.sendall(b"".join(request for request, _ in mix))
        except (BrokenPipeError, ConnectionResetError):
            sent = None  # it was closed before everything was out; an answer that began must still be whole
        closing = False
        for request, expected in mix:
            line = request.partition(b"\r\n")[0]
            try:
                status, fields, body = reader.answer()
            except Cut as cut:
                with self.lock:
                    if cut.received:
                        self.wrong.append(f"cut answer to {line!r}: {cut}")
                    elif sent is not None:
                        self.unanswered.append((sent, line, closing))
                return False
            good = status == 200 and expected in body
            closing = fields.get("connection", "").lower() == "close"
            with self.lock:
                self.answers += 1
                self.closing_answers += closing
                if not good:
                    self.wrong.append(f"{status} {body[:60]!r} to {line!r}")
                if self.answers >= ANSWERS_BEFORE:
                    self.enough.set()
        return not closing and sent is not None

    def join(self):
        for thread in self.threads:
            thread.join(20)
        return not any(thread.is_alive() for thread in self.threads)


def under_load():
    with Server() as server:
        load = Load(server.address)
        checks.check(f"{ANSWERS_BEFORE} answers before the signal", load.enough.wait(30) and not load.wrong, repr(load.wrong[:3]))
        signalled = time.monotonic()
        server.signal(signal.SIGTERM)
        code, errors = server.leaves(STOPS_WITHIN)
        took = time.monotonic() - signalled
        checks.check(f"SIGTERM: left with 0 after {took:.2f} s, {STOPS_WITHIN} allowed", code == 0, f"{code}, {errors!r}")
        checks.equal("and without a word", b"", errors)
        checks.check("all clients came to an end", load.join(), "some still wait")
        checks.check(f"{load.answers} answers, none cut or wrong", not load.wrong, f"{len(load.wrong)}: {load.wrong[:3]}")
        lost = [(round(signalled - sent, 3), line) for sent, line, closing in load.unanswered if sent < signalled - READ_WITHIN and not closing]
        checks.check("what was read before the signal was answered", not lost, f"{len(lost)}, seconds before: {lost[:5]}")
        print(f"     stop: {load.closing_answers} answers said close, {len(load.unanswered)} requests came too late for one")


def drain_begins(address, within=5):
    """Waits until the server refuses new connections."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            connect(address).close()
        except OSError:
            return True
    return False


def one_by_one():
    """The same without load, so that the state of each connection is known."""
    with Server() as server:
        idle, busy, pair, half = (connect(server.address) for _ in range(4))
        for link in (idle, busy, pair, half):
            link.sendall(PLAIN)
            Reader(link).answer()
        half.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        half_reader = Reader(half)
        half_reader.head()
        busy.sendall(LONG)
        pair.sendall(LONG + PLAIN)
        with connect(server.address) as other:
            # After 50 round trips the requests above have reached their workers.
            for _ in range(50):
                other.sendall(PLAIN)
                Reader(other).answer()
        signalled = time.monotonic()
        server.signal(signal.SIGTERM)
        checks.check("nothing new is accepted", drain_begins(server.address), "still accepted after 5 s")
        checks.equal("an idle connection is closed", b"", idle.recv(1))
        status, fields, _ = Reader(busy).answer()
        checks.equal("a request in progress is answered with Connection: close", (200, "close"), (status, fields.get("connection")))
        reader = Reader(pair)
        first = reader.answer()[:2]
        try:
            second = reader.answer()[:2]
            good = second[0] == 200 and second[1].get("connection") == "close"
        except Cut as cut:
            second = cut
            good = not cut.received and first[1].get("connection") == "close"
        good = good and first[0] == 200
        what = "answered too" if isinstance(second, tuple) else "left to the client after Connection: close"
        checks.check(f"the pipelined one behind it is {what}", good, f"{first} {second}")
        half.sendall(b"world")
        while not half_reader.buffer.endswith(b"helloworld") and (piece := half.recv(100)):
            half_reader.buffer += piece
        checks.check("an upload may end", half_reader.buffer.endswith(b"helloworld"), repr(half_reader.buffer))
        code, errors = server.leaves(STOPS_WITHIN)
        took = time.monotonic() - signalled
        checks.check(f"then it leaves with 0 ({took:.2f} s)", code == 0 and not errors, f"{code}, {errors!r}")
        for link in (idle, busy, pair, half):
            link.close()


def second_signal(first, second):
    with Server() as server, connect(server.address) as link:
        link.sendall(b"GET /drip?duration=10&numbytes=100 HTTP/1.1\r\nHost: a\r\n\r\n")
        Reader(link).head()
        server.signal(first)
        drained = drain_begins(server.address)
        running = server.process.poll() is None
        signalled = time.monotonic()
        server.signal(second)
        code, _ = server.leaves(STOPS_WITHIN)
        took = time.monotonic() - signalled
        name = f"{first.name}, then {second.name}: ends at once ({took:.2f} s, code {code})"
        checks.check(name, drained and running and code is not None and took < 1, f"draining {drained}, running {running}")


for part in (under_load, one_by_one):
    with checks.guard(part.__name__):
        part()
for pair in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
    with checks.guard("a second signal"):
        second_signal(*pair)
checks.leave()
