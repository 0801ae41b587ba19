"""Shared by the Python scripts: printing checks, the server as a process, sockets. Not here: the checks themselves."""

import contextlib
import os
import resource
import select
import socket
import subprocess
import sys
import time
import urllib.parse


class Checks:
    """Prints a line for each check, which tests/interop/run counts."""

    def __init__(self, name):
        self.name = name
        self.failed = False

    def check(self, what, good, detail=""):
        if good:
            print(f"ok   {self.name}: {what}", flush=True)
        else:
            self.failed = True
            print(f"FAIL {self.name}: {what}: {detail}"[:600].replace("\n", " "), flush=True)
        return good

    def equal(self, what, expected, got):
        return self.check(what, expected == got, f"expected {expected!r}, got {got!r}")

    def skip(self, what):
        print(f"skip {self.name}: {what}", flush=True)

    @contextlib.contextmanager
    def guard(self, what):
        """Turns an exception into a failed check, so that the next ones still run."""
        try:
            yield
        except Exception as error:  # noqa: BLE001: every exception is a failure
            self.check(what, False, f"{type(error).__name__}: {error}")

    def leave(self):
        sys.exit(1 if self.failed else 0)


def limit_descriptors(number):
    """For `Server(before=…)`: the descriptors that the server may open."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


class Server:
    """`hearken echo` on a free port, or the server of `ours/src/server.rs` with these settings. As a context manager it always
    ends the process. `before` runs in the new process. `stderr` is a pipe that nothing reads until `leaves`, unless it is given.
    """

    def __init__(self, *flags, settings=None, quiet=True, before=None, stderr=subprocess.PIPE):
        command = [os.environ.get("HEARKEN", "target/release/hearken"), "echo", "--port", "0", *flags]
        if quiet:
            command.append("--quiet")
        if settings is not None:
            binary = os.environ.get("OURS_SERVER", "target/release/hearken-interop-server")
            command = [binary, *(f"{name}={value}" for name, value in settings.items())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, preexec_fn=before)
        self.pid = self.process.pid
        if not select.select([self.process.stdout], [], [], 10)[0]:
            self.process.kill()
            raise TimeoutError("the server did not print its URL within 10 s")
        url = urllib.parse.urlsplit(self.process.stdout.readline().decode().strip())
        self.address = (url.hostname, url.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if self.process.stderr:
            self.process.stderr.close()

    def signal(self, number):
        self.process.send_signal(number)

    def leaves(self, within):
        """Exit code and stderr; the code is None if the process has not ended in time."""
        try:
            _, errors = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            return None, b""
        return self.process.returncode, errors

    def resident_bytes(self):
        """From smaps_rollup where the kernel has it: VmRSS may lag behind by some pages for each thread."""
        for file, field in (("smaps_rollup", "Rss:"), ("status", "VmRSS:")):
            with contextlib.suppress(OSError), open(f"/proc/{self.pid}/{file}") as lines:
                for line in lines:
                    if line.startswith(field):
                        return int(line.split()[1]) * 1024
        raise OSError("there is no /proc to read the server's memory from")


class Peer:
    """Another server, from `peers/`, which prints its URLs. As a context manager it always ends the process."""

    def __init__(self, *command, urls=1, **settings):
        # Unbuffered: `select` does not see lines that a buffer already holds.
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env={**os.environ, **settings}
        )
        self.urls = []
        for _ in range(urls):
            if not select.select([self.process.stdout], [], [], 10)[0]:
                break
            line = self.process.stdout.readline().decode().strip()
            if line:
                self.urls.append(urllib.parse.urlsplit(line))
        if len(self.urls) < urls:
            errors = self.stop()
            raise OSError(f"{command[:2]} printed {len(self.urls)} of {urls} URLs: {errors[-300:]!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Returns what it wrote to stderr."""
        self.process.terminate()
        try:
            return self.process.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()[1]


def address_from_environment():
    """The address of the server that tests/interop/run has started."""
    url = urllib.parse.urlsplit(os.environ["HEARKEN_URL"])
    return url.hostname, url.port


def raise_descriptors():
    """Raises the descriptor limit of this process and the servers it starts. Returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def connect(address, timeout=10):
    connection = socket.create_connection(address, timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_to_end(connection, timeout=10):
    """All bytes until the server closes or resets the connection. A timeout is an error."""
    deadline = time.monotonic() + timeout
    received = bytearray()
    while True:
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return bytes(received)
        if not piece:
            return bytes(received)
        received += piece


class Cut(Exception):
    """The connection ended within a response; `received` is the part that arrived."""

    def __init__(self, received):
        super().__init__(f"closed after {len(received)} bytes: {received[:80]!r}")
        self.received = received


class Reader:
    """Reads responses with a length or in chunks from a connection, one after the other."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()

    def _more(self):
        try:
            piece = self.connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            piece = b""
        if not piece:
            raise Cut(bytes(self.buffer))
        self.buffer += piece

    def _take_until(self, end):
        while (at := self.buffer.find(end)) < 0:
            self._more()
        return self._take(at + len(end))

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def head(self):
        """Status and fields, names in lower case."""
        head = self._take_until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        return int(lines[0].split(" ")[1]), fields

    def answer(self, to_head=False):
        """Status, fields, body. Raises Cut with nothing received if the connection closed before it began."""
        status, fields = self.head()
        try:
            if to_head or status in (204, 304) or status < 200:
                return status, fields, b""
            if fields.get("transfer-encoding") != "chunked":
                return status, fields, self._take(int(fields["content-length"]))
            body = bytearray()
            while size := int(self._take_until(b"\r\n"), 16):
                body += self._take(size)
                self._take(2)
            self._take_until(b"\r\n")
            return status, fields, bytes(body)
        except Cut as cut:
            raise Cut(b"a head and then " + cut.received) from None
