"""More clients than descriptors: all wait their turn, none is reset, and the log stays short. And the bound for one address."""

import selectors
import signal
import socket
import time

from harness import Checks, Server, connect, limit_descriptors, raise_descriptors

SECONDS_MAX = 25
REQUEST = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"

checks = Checks("crowd")


def crowd(address, count, ending):
    """So many clients at the same time, each with one request; each closes when it has the answer. Returns what became of them:
    a number for each outcome."""
    selector = selectors.DefaultSelector()
    outcomes = {}

    def leave(link, outcome):
        selector.unregister(link)
        link.close()
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    for _ in range(count):
        link = socket.socket()
        link.setblocking(False)
        link.connect_ex(address)
        selector.register(link, selectors.EVENT_WRITE, bytearray())
    deadline = time.monotonic() + SECONDS_MAX
    while selector.get_map() and time.monotonic() < deadline:
        for key, events in selector.select(1):
            link = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    link.send(REQUEST)
                    selector.modify(link, selectors.EVENT_READ, key.data)
                    continue
                piece = link.recv(4096)
            except OSError as error:
                leave(link, type(error).__name__)
                continue
            key.data.extend(piece)
            if key.data.endswith(ending):
                leave(link, "answered")
            elif not piece:
                leave(link, "closed")
    for key in list(selector.get_map().values()):
        leave(key.fileobj, "no answer")
    selector.close()
    return outcomes


def all_are_answered(limit, workers, count):
    with Server("--workers", str(workers), quiet=False, before=limit_descriptors(limit)) as server:
        # Before the log fills the pipe: 2,000 lines are more than it holds, which must not matter.
        outcomes = crowd(server.address, count, b"Hello, World!")
        name = f"{limit} descriptors, {workers} workers: {count} clients at once are answered"
        checks.equal(name, {"answered": count}, outcomes)
        server.signal(signal.SIGTERM)
        code, errors = server.leaves(10)
        checks.check("and accepting has not failed", code == 0 and b"accepting failed" not in errors, repr(errors[-200:]))


def a_limit_that_is_too_high():
    """The user has set a bound that the descriptors do not allow: clients wait, and the log says so at most once a second."""
    with Server(settings={"max": 100_000, "workers": 8}, before=limit_descriptors(128)) as server:
        began = time.monotonic()
        held = [connect(server.address) for _ in range(200)]
        time.sleep(3)
        for link in held:
            link.close()
        outcomes = crowd(server.address, 200, b"done")
        checks.equal("without descriptors clients wait", {"answered": 200}, outcomes)
        server.signal(signal.SIGTERM)
        _, errors = server.leaves(10)
        lines = errors.decode().count("accepting failed")
        seconds = time.monotonic() - began
        checks.check(f"{lines} lines about it in {seconds:.1f} s", 1 <= lines <= seconds + 1, errors[-300:].decode())
        checks.check("with a count", " times since the last report" in errors.decode(), errors[-300:].decode())


def the_bound_of_an_address():
    with Server(settings={"per_address": 3}) as server:

        def client(source):
            link = socket.create_connection(server.address, timeout=10, source_address=(source, 0))
            link.sendall(REQUEST)
            return link

        def answer(link):
            try:
                return link.recv(4096)[:15]
            except ConnectionResetError:
                return b""

        first = [client("127.0.0.1") for _ in range(3)]
        checks.equal("three connections of an address are served", [b"HTTP/1.1 200 OK"] * 3, [answer(link) for link in first])
        checks.equal("the fourth is closed", b"", answer(client("127.0.0.1")))
        checks.equal("another address is served", b"HTTP/1.1 200 OK", answer(client("127.0.0.2")))
        first.pop().close()
        time.sleep(0.3)
        checks.equal("after one has closed, another is served", b"HTTP/1.1 200 OK", answer(client("127.0.0.1")))
        server.signal(signal.SIGTERM)
        code, errors = server.leaves(5)
        dropped = errors.decode().count("dropped: ")
        checks.equal("the event DropConnection was emitted once", (0, 1), (code, dropped))


descriptors = raise_descriptors()
for limit, workers, count in ((1024, 32, 2000), (256, 16, 1000), (48, 2, 80)):
    with checks.guard(f"{limit} descriptors"):
        if descriptors < count + 100:
            checks.skip(f"{count} clients: 'ulimit -Hn' is {descriptors}")
        else:
            all_are_answered(limit, workers, count)
for part in (a_limit_that_is_too_high, the_bound_of_an_address):
    with checks.guard(part.__name__):
        part()
checks.leave()
