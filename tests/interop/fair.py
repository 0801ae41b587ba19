"""How long an ordinary request waits beside clients that make their worker work: one that pipelines responses to be
compressed, four that ask for 100 MB compressed, 1,000 that read next to nothing of a large response. With one worker and
with two. FAIR_PEERS=1 measures nginx and Node beside it, where they are installed, and prints the same line for them."""

import contextlib
import multiprocessing
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from harness import Checks, Reader, Server, connect, raise_descriptors

SECONDS = 4  # for one scenario
HONEST = 4  # connections, so that some are on each worker
P99_MS_MAX = 50
WORST_MS_MAX = 250

checks = Checks("fair")


def honest(address, target, stop, report):
    """Sends small requests one after the other, in a process of its own so that the load does not slow the measurement."""
    links = [connect(address, timeout=60) for _ in range(HONEST)]
    readers = [Reader(link) for link in links]
    request = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    times = []
    while not stop.is_set():
        for link, reader in zip(links, readers):
            start = time.perf_counter()
            link.sendall(request)
            reader.answer()
            times.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.002)  # a client, not a load
    report.send(times)


def swallow(links, until):
    """Reads all that comes."""
    selector = selectors.DefaultSelector()
    for link in links:
        selector.register(link, selectors.EVENT_READ)
    while time.monotonic() < until and selector.get_map():
        for key, _ in selector.select(0.1):
            try:
                piece = key.fileobj.recv(1 << 18)
            except OSError:
                piece = b""
            if not piece:
                selector.unregister(key.fileobj)


def pipelining(address, targets, ready):
    with connect(address, timeout=60) as link:
        request = f"GET {targets['lines']} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        link.sendall(request * 400)
        ready.set()
        swallow([link], time.monotonic() + SECONDS)


def compressing(address, targets, ready):
    request = f"GET {targets['bytes']} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, identity;q=0\r\n\r\n".encode()
    links = [connect(address, timeout=60) for _ in range(4)]
    for link in links:
        link.sendall(request)
    ready.set()
    swallow(links, time.monotonic() + SECONDS)


def reading_slowly(address, targets, ready):
    raise_descriptors()
    request = f"GET {targets['bytes']} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    ready.set()
    until = time.monotonic() + SECONDS
    links = []
    for _ in range(1000):
        link = socket.create_connection(address, timeout=60)
        link.sendall(request)
        links.append(link)
    while time.monotonic() < until:
        for link in links[::20]:
            with contextlib.suppress(OSError):
                link.recv(64, socket.MSG_DONTWAIT)
        time.sleep(0.1)


SCENARIOS = [
    ("one that pipelines compressed responses", pipelining),
    ("four that ask for 100 MB compressed", compressing),
    ("1,000 slow readers", reading_slowly),
]


def measure(address, targets, scenario):
    """The waiting times of the ordinary client in ms, sorted."""
    stop, ready = multiprocessing.Event(), multiprocessing.Event()
    report, theirs = multiprocessing.Pipe(duplex=False)
    load = multiprocessing.Process(target=scenario, args=(address, targets, ready), daemon=True)
    client = multiprocessing.Process(target=honest, args=(address, targets["small"], stop, theirs), daemon=True)
    client.start()
    time.sleep(0.3)
    load.start()
    ready.wait(20)
    time.sleep(SECONDS)
    stop.set()
    times = report.recv() if report.poll(20) else [float("inf")]
    for process in (load, client):
        process.join(5)
        if process.is_alive():
            process.kill()
    return sorted(times)


def summary(times):
    p99 = times[int(len(times) * 0.99)]
    return f"p50 {statistics.median(times):.2f} ms, p99 {p99:.1f} ms, worst {times[-1]:.1f} ms of {len(times)}"


def ours():
    targets = {"small": "/plaintext", "lines": "/stream/1000", "bytes": "/bytes/100000000"}
    for workers in (1, 2):
        for name, scenario in SCENARIOS:
            with Server("--workers", str(workers)) as server:
                times = measure(server.address, targets, scenario)
            p99 = times[int(len(times) * 0.99)]
            good = p99 <= P99_MS_MAX and times[-1] <= WORST_MS_MAX
            checks.check(f"{workers} worker(s), beside {name}: {summary(times)}", good)


NODE = """
const http = require('node:http'), zlib = require('node:zlib'), { Readable } = require('node:stream');
const piece = require('node:crypto').randomBytes(65536);
function* bytes() { for (let at = 0; at < 100e6; at += piece.length) yield piece; }
function* lines() { for (let id = 0; id < 1000; id += 1) yield JSON.stringify({ id, of: 1000, url: '/stream/1000' }) + '\\n'; }
http.createServer((req, res) => {
  if (req.url === '/small') return void res.end('Hello, World!');
  const source = Readable.from(req.url === '/lines' ? lines() : bytes());
  if (!/gzip/.test(req.headers['accept-encoding'] ?? '')) return void source.pipe(res);
  res.setHeader('Content-Encoding', 'gzip');
  source.pipe(zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH })).pipe(res);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
"""

NGINX = """
daemon off; master_process on; worker_processes %(workers)d; pid %(here)s/pid; error_log %(here)s/error.log;
user root;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
    access_log off; gzip on; gzip_comp_level 6; gzip_types application/octet-stream; default_type application/octet-stream;
    keepalive_requests 1000000;
    client_body_temp_path %(here)s/t; proxy_temp_path %(here)s/t; fastcgi_temp_path %(here)s/t;
    uwsgi_temp_path %(here)s/t; scgi_temp_path %(here)s/t;
    server { listen 127.0.0.1:%(port)d reuseport; root %(here)s; location = /small { return 200 "Hello, World!"; } }
}
"""


@contextlib.contextmanager
def node():
    process = subprocess.Popen(["node", "-e", NODE], stdout=subprocess.PIPE)
    try:
        yield "127.0.0.1", int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def nginx(workers):
    with tempfile.TemporaryDirectory() as here, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        os.chmod(here, 0o755)
        with open(f"{here}/bytes", "wb") as file:
            file.write(os.urandom(100_000_000))
        with open(f"{here}/lines", "w") as file:
            file.writelines(f'{{"id":{number},"of":1000,"url":"/stream/1000"}}\n' for number in range(1000))
        with open(f"{here}/conf", "w") as file:
            file.write(NGINX % {"workers": workers, "here": here, "port": port})
        process = subprocess.Popen(["nginx", "-p", here, "-c", f"{here}/conf"], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait()


def peers():
    targets = {"small": "/small", "lines": "/lines", "bytes": "/bytes"}
    servers = [("node", node)] if shutil.which("node") else []
    if shutil.which("nginx"):
        servers += [(f"nginx, {count} worker(s)", lambda count=count: nginx(count)) for count in (1, 2)]
    for name, start in servers:
        for what, scenario in SCENARIOS:
            with start() as address:
                print(f"     {name}, beside {what}: {summary(measure(address, targets, scenario))}", flush=True)


def main():
    raise_descriptors()
    ours()
    if os.environ.get("FAIR_PEERS"):
        peers()
    checks.leave()


if __name__ == "__main__":
    main()
