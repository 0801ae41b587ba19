"""Connections after an upgrade: those that are idle are closed in time, those that are not live on."""

import signal
import time

from harness import Checks, Server, connect

IDLE = 1.0  # seconds; the default is 120
UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

checks = Checks("upgraded")


def upgrade(address):
    link = connect(address)
    link.sendall(UPGRADE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += link.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return link


def idle():
    with Server(settings={"idle": int(IDLE * 1000)}) as server:
        silent, busy = upgrade(server.address), upgrade(server.address)
        began = time.monotonic()
        while time.monotonic() - began < 3 * IDLE:
            busy.sendall(b"x")
            if busy.recv(1) != b"x":
                break
            time.sleep(IDLE / 4)
        checks.check("a connection that is used stays open", time.monotonic() - began >= 3 * IDLE)
        silent.settimeout(0.1)
        checks.equal("an idle one was closed meanwhile", b"", silent.recv(1))
        began = time.monotonic()
        checks.equal("the used one is closed when it is idle", b"", busy.recv(1))
        took = time.monotonic() - began
        checks.check(f"after its time ({took:.2f} s)", 0.5 * IDLE <= took <= 2 * IDLE)
        server.signal(signal.SIGTERM)
        code, errors = server.leaves(5)
        told = [errors.decode().count(text) for text in ("timeout: Upgraded", "upgraded: TimedOut")]
        checks.equal("the event Timeout and the handler's error", (0, [2, 2]), (code, told))


def unread():
    """A client that sends and never reads."""
    with Server(settings={"idle": int(IDLE * 1000)}) as server:
        link = upgrade(server.address)
        began = time.monotonic()
        link.settimeout(5)
        # More than the buffers of both sides hold, and nothing is read: the handler cannot write.
        try:
            while time.monotonic() - began < 5:
                link.sendall(b"." * 1_000_000)
        except OSError:
            pass
        took = time.monotonic() - began
        checks.check(f"a client that reads nothing is cut ({took:.2f} s)", took < 4.5)
        server.signal(signal.SIGTERM)
        checks.equal("the server ends", 0, server.leaves(5)[0])


for part in (idle, unread):
    with checks.guard(part.__name__):
        part()
checks.leave()
