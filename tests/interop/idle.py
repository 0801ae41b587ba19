"""10,000 idle keep-alive connections: the resident memory of each in the server, and that all of them still work."""

import os
import selectors
import socket
import time

from harness import Checks, Reader, Server, connect, raise_descriptors

CONNECTIONS = 10_000
BYTES_EACH_MAX = 1000
WARM_UP = 100
SAMPLE = 100
AT_A_TIME = 500
# The server closes connections that are idle for 15 s; the script must end well before.
SECONDS_MAX = 12
REQUEST = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"

checks = Checks("idle")


def open_and_ask(address, count):
    """That many connections, each with one answered request. At most `AT_A_TIME` are between the two."""
    selector = selectors.DefaultSelector()
    opened, answered = [], 0
    deadline = time.monotonic() + SECONDS_MAX
    while answered < count:
        while len(opened) < count and len(opened) - answered < AT_A_TIME:
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(address)
            selector.register(link, selectors.EVENT_WRITE, bytearray())
            opened.append(link)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{answered} of {count} answers after {SECONDS_MAX} s")
        for key, events in selector.select(1):
            link = key.fileobj
            if events & selectors.EVENT_WRITE:
                link.send(REQUEST)
                selector.modify(link, selectors.EVENT_READ, key.data)
                continue
            piece = link.recv(4096)
            key.data.extend(piece)
            if not piece:
                raise ConnectionError(f"closed instead of an answer: {bytes(key.data[:100])!r}")
            if key.data.endswith(b"\r\n\r\nHello, World!"):
                selector.unregister(link)
                answered += 1
    selector.close()
    return opened


def settled_bytes(server):
    """Resident memory, once it is the same five times in a row: the server may still be closing connections."""
    seen = []
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and (len(seen) < 5 or len(set(seen[-5:])) > 1):
        seen.append(server.resident_bytes())
        os.sched_yield()
    return seen[-1]


def warm_up(server):
    for link in open_and_ask(server.address, WARM_UP):
        link.close()
    # The worker answers after it has handled some of the closes; the error is a page or two.
    with connect(server.address) as link:
        link.sendall(REQUEST)
        Reader(link).answer()


def still_open(links):
    """The number of connections that have neither been closed nor received anything."""
    good = 0
    for link in links:
        try:
            link.recv(1)
        except BlockingIOError:
            good += 1
    return good


def run(server, count):
    start = time.monotonic()
    warm_up(server)
    before = settled_bytes(server)
    links = open_and_ask(server.address, count)
    after = settled_bytes(server)
    took = time.monotonic() - start
    each = (after - before) / count
    numbers = f"{before // 1024} KiB before, {after // 1024} KiB with {count} connections after {took:.1f} s"
    checks.check(f"{each:.0f} bytes for each idle connection, at most {BYTES_EACH_MAX} ({numbers})", each <= BYTES_EACH_MAX)

    sample = links[:: count // SAMPLE]
    answers = []
    for link in sample:
        link.settimeout(5)
        link.sendall(REQUEST)
        answers.append(Reader(link).answer()[2])
        link.setblocking(False)
    checks.equal(f"{len(sample)} of them answer once more", [b"Hello, World!"] * len(sample), answers)
    checks.equal("all of them are still open", count, still_open(links))
    for link in links:
        link.close()


def main():
    descriptors = raise_descriptors()
    count = min(CONNECTIONS, descriptors - 200)
    if count < CONNECTIONS:
        checks.skip(f"only {count} connections instead of {CONNECTIONS}: 'ulimit -Hn' is {descriptors}")
    with Server() as server:
        run(server, count)


with checks.guard("idle connections"):
    main()
checks.leave()
