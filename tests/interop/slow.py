"""5,000 clients that send one byte of a head a second are all disconnected after the head deadline, and an ordinary client
that sends requests at the same time is served without delay."""

import multiprocessing
import selectors
import socket
import time

from harness import Checks, Reader, Server, connect, raise_descriptors

CONNECTIONS = 5000
DEADLINE = 10  # the server's, for a head
LATE = 2
LATENCY_MS_MAX = 250
TICK = 0.02  # the drips of a second are spread over fifty of these
AT_A_TIME = 250
HEAD = b"GET /plaintext HTTP/1.1\r\nHost: a\r\nX-Slow: " + b"a" * 100

checks = Checks("slow")


class Slow:
    """One connection that drips."""

    def __init__(self, link):
        self.link = link
        self.opened = time.monotonic()
        self.sent = 0
        self.received = bytearray()
        self.cut_after = None


def connect_all(address, count, selector):
    """Connects in batches that fit the backlog."""
    slow = []
    while len(slow) < count:
        batch = selectors.DefaultSelector()
        for _ in range(min(AT_A_TIME, count - len(slow))):
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(address)
            batch.register(link, selectors.EVENT_WRITE)
        while batch.get_map():
            ready = batch.select(5)
            if not ready:
                raise TimeoutError("connecting took more than 5 s")
            for key, _ in ready:
                batch.unregister(key.fileobj)
                slow.append(Slow(key.fileobj))
                selector.register(key.fileobj, selectors.EVENT_READ, slow[-1])
        batch.close()
    return slow


def receive(selector, timeout):
    """Reads what the server sends. Returns the number of connections that the server has closed."""
    cut = 0
    for key, _ in selector.select(timeout):
        slow = key.data
        try:
            piece = slow.link.recv(4096)
        except ConnectionResetError:
            piece = b""
        slow.received += piece
        if not piece:
            slow.cut_after = time.monotonic() - slow.opened
            selector.unregister(slow.link)
            slow.link.close()
            cut += 1
    return cut


def drip(slow):
    # After its 408 the server waits for the client to close; this client ignores the 408 and keeps sending.
    if slow.cut_after is None:
        try:
            slow.link.send(HEAD[slow.sent : slow.sent + 1])
        except OSError:
            return  # disconnected; the next read sees it
        slow.sent += 1


def drip_until_cut(slow, selector):
    left = len(slow)
    groups = [slow[at:: int(1 / TICK)] for at in range(int(1 / TICK))]
    start = time.monotonic()
    tick = 0
    while left and time.monotonic() - start < DEADLINE + LATE + 3:
        for one in groups[tick % len(groups)]:
            drip(one)
        tick += 1
        while left and (wait := start + tick * TICK - time.monotonic()) > 0:
            left -= receive(selector, wait)
        left -= receive(selector, 0)


def ordinary(address, started, stop, report):
    """Sends requests on one connection, in a process of its own so that the drips do not slow the measurement."""
    with connect(address) as link:
        reader = Reader(link)
        worst, count = 0.0, 0
        while not stop.is_set():
            start = time.monotonic()
            link.sendall(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
            if reader.answer()[2] != b"Hello, World!":
                raise ValueError("another answer")
            worst = max(worst, time.monotonic() - start)
            count += 1
            started.set()
            stop.wait(0.002)  # limits the rate: this is a client, not a load
        report.send((count, worst * 1e3))


def run(server, count):
    started, stop = multiprocessing.Event(), multiprocessing.Event()
    report, theirs = multiprocessing.Pipe(duplex=False)
    client = multiprocessing.Process(target=ordinary, args=(server.address, started, stop, theirs), daemon=True)
    client.start()
    theirs.close()
    started.wait(5)
    selector = selectors.DefaultSelector()
    slow = connect_all(server.address, count, selector)
    drip_until_cut(slow, selector)
    stop.set()
    times = sorted(one.cut_after for one in slow if one.cut_after is not None)
    checks.equal("slow clients that are cut off", count, len(times))
    if times:
        good = DEADLINE - 1 <= times[0] and times[-1] <= DEADLINE + LATE
        checks.check(f"cut off after {times[0]:.2f} to {times[-1]:.2f} s, {DEADLINE} to {DEADLINE + LATE} expected", good)
    other = [bytes(one.received[:60]) for one in slow if one.received and not one.received.startswith(b"HTTP/1.1 408 ")]
    answered = sum(1 for one in slow if one.received)
    checks.check(f"no response but 408 ({answered} times)", not other, repr(other[:3]))
    count, worst = report.recv() if report.poll(5) else (0, float("inf"))
    name = f"an ordinary client waited {worst:.1f} ms at worst in {count} requests, {LATENCY_MS_MAX} allowed"
    checks.check(name, worst < LATENCY_MS_MAX)
    client.join(5)


def main():
    descriptors = raise_descriptors()
    count = min(CONNECTIONS, descriptors - 200)
    if count < CONNECTIONS:
        checks.skip(f"only {count} clients instead of {CONNECTIONS}: 'ulimit -Hn' is {descriptors}")
    with Server() as server:
        run(server, count)


if __name__ == "__main__":
    with checks.guard("slow clients"):
        main()
    checks.leave()
