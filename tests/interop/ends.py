"""A stop always ends: with handlers that block their thread, a log that is not read, event streams that would run for ever."""

import contextlib
import os
import select
import signal
import time

from harness import Checks, Reader, Server, connect, read_to_end

GRACE = 1.0  # seconds; that of `hearken echo` is 25
AFTER = 1.0  # the process ends so long after its grace time, whatever its workers do
AT_ONCE = 1.0  # and after a second signal
BEFORE = 0.3  # seconds until a request has certainly reached its handler
LINES = 3000  # requests whose lines no pipe can hold: 64 KiB are some 900

checks = Checks("ends")


def get(target):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def ask(address, target):
    """A connection with this request, which has reached its handler."""
    link = connect(address)
    link.sendall(get(target))
    time.sleep(BEFORE)
    return link


def leaves(what, server, code, within, at_least=0.0, began=None):
    """Checks how, and how soon, the process ends. Returns its stderr."""
    began = began or time.monotonic()
    got, errors = server.leaves(within + 5)
    took = time.monotonic() - began
    good = got == code and at_least <= took <= within
    checks.check(f"{what}: ends with {code} after {took:.2f} s", good, f"{got}, {took:.2f} s, {errors[-200:]!r}")
    return errors.decode(errors="replace")


def blocked(target):
    settings = {"grace": int(GRACE * 1000), "workers": 2}
    with Server(settings=settings) as server, ask(server.address, target):
        server.signal(signal.SIGTERM)
        errors = leaves(f"SIGTERM with {target}", server, 1 if target == "/block" else 0, GRACE + AFTER, GRACE)
        if target == "/block":
            checks.check("the error names the thread of the worker", "hearken-" in errors, errors)
    for first, second, code in (
        (signal.SIGTERM, signal.SIGTERM, 143),
        (signal.SIGTERM, signal.SIGINT, 130),
        (signal.SIGINT, signal.SIGINT, 130),
    ):
        with Server(settings={"workers": 2}) as server, ask(server.address, target):
            server.signal(first)
            time.sleep(BEFORE)
            checks.equal(f"{first.name} with {target} waits", None, server.process.poll())
            server.signal(second)
            leaves(f"{first.name}, {second.name} with {target}", server, code, AT_ONCE)


def every_worker_is_blocked():
    with Server(settings={"grace": int(GRACE * 1000), "workers": 2}) as server:
        links = [ask(server.address, "/block") for _ in range(8)]
        server.signal(signal.SIGTERM)
        leaves("SIGTERM with all workers blocked", server, 1, GRACE + AFTER, GRACE)
        for link in links:
            link.close()


def failures():
    """Each failed handler is an event with its request, also one that the end of the server cuts."""
    with Server(settings={"grace": 200}) as server:
        with connect(server.address) as link:
            link.sendall(get("/panic"))
            checks.equal("a panic is a 500", 500, Reader(link).answer()[0])
        cut = ask(server.address, "/forever")
        server.signal(signal.SIGTERM)
        errors = leaves("SIGTERM with a handler that never ends", server, 0, 0.2 + AFTER)
        panic, dropped = "failed: GET /panic from 127.0.0.1:", "failed: GET /forever from 127.0.0.1:"
        checks.check("HandlerFailed names the requests", panic in errors and dropped in errors, errors)
        cut.close()


def listeners_that_block():
    """The listeners of the server write to a pipe that is full and not read."""
    pipe = os.pipe()
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while os.write(pipe[1], b"." * 4096):
            pass
    with contextlib.suppress(BlockingIOError):
        while os.write(pipe[1], b"."):
            pass
    os.set_blocking(pipe[1], True)
    with Server(settings={"grace": 200}, stderr=pipe[1]) as server:
        server.signal(signal.SIGTERM)
        began = time.monotonic()
        while server.process.poll() is None and time.monotonic() - began < 10:
            time.sleep(0.01)
        took = time.monotonic() - began
        checks.check(f"a listener that blocks does not hold up the end ({took:.2f} s)", took < 0.2 + AFTER)
    os.close(pipe[0])
    os.close(pipe[1])


def event_streams():
    with Server(settings={}) as server:
        links = [ask(server.address, "/events") for _ in range(10)]
        began = time.monotonic()
        server.signal(signal.SIGINT)
        ends = [read_to_end(link) for link in links]
        good = all(end.startswith(b"HTTP/1.1 200 ") and end.endswith(b"data: bye\n\n\r\n0\r\n\r\n") for end in ends)
        checks.check("event streams end whole, by themselves", good, repr(ends[0][-60:]))
        leaves("SIGINT with ten event streams", server, 0, AT_ONCE, began=began)


def the_log_says_what_it_waits_for():
    with Server(quiet=False) as server:
        links = [ask(server.address, f"/drip?duration={seconds}&numbytes=10") for seconds in (2, 4)]
        server.signal(signal.SIGTERM)
        errors = leaves("SIGTERM with two slow responses", server, 0, 6)
        lines = [line for line in errors.splitlines() if "waiting for" in line]
        good = "waiting for 2 connections" in lines[0] and "waiting for 1 connection)" in lines[-1] and len(lines) <= 5
        checks.check(f"the log says for how many it waits ({len(lines)} lines)", good, repr(errors[-400:]))
        for link in links:
            link.close()


def answers(address, count):
    """So many requests on one connection, and how many are answered."""
    with connect(address) as link:
        reader, good = Reader(link), 0
        for _ in range(count):
            link.sendall(get("/plaintext"))
            good += reader.answer()[2] == b"Hello, World!"
        return good


def a_log_that_is_not_read():
    with Server(quiet=False) as server:
        checks.equal("requests are answered while stderr is not read", LINES, answers(server.address, LINES))
        server.signal(signal.SIGTERM)
        began = time.monotonic()
        while server.process.poll() is None and time.monotonic() - began < 5:
            time.sleep(0.01)
        took = time.monotonic() - began
        code = server.process.returncode
        checks.check(f"SIGTERM with a full pipe: ends with {code} after {took:.2f} s", code == 0 and took < AFTER)


def a_log_that_is_read_late():
    """Far more lines than pipe and queue hold; then the pipe is read again."""
    with Server(quiet=False) as server:
        total = 20_000
        checks.equal("requests are answered while the log drops lines", total, answers(server.address, total))
        pipe, log = server.process.stderr.fileno(), b""
        os.set_blocking(pipe, False)
        while select.select([pipe], [], [], 1)[0]:
            log += os.read(pipe, 1 << 20)
        lines = log.decode().splitlines()
        dropped = sum(int(line.split("(")[1].split()[0]) for line in lines if "were dropped" in line)
        written = sum(" GET /plaintext 200 " in line for line in lines)
        checks.check(f"{written} lines and {dropped} dropped ones are {total}", dropped > 0 and written + dropped == total)
        answers(server.address, 1)
        good = select.select([pipe], [], [], 5)[0] and b" GET /plaintext 200 " in os.read(pipe, 1 << 20)
        checks.check("the log goes on", bool(good))


for target in ("/block", "/blocking", "/forever"):
    with checks.guard(f"a handler of {target}"):
        blocked(target)
for part in (
    every_worker_is_blocked,
    failures,
    listeners_that_block,
    event_streams,
    the_log_says_what_it_waits_for,
    a_log_that_is_not_read,
    a_log_that_is_read_late,
):
    with checks.guard(part.__name__):
        part()
checks.leave()
