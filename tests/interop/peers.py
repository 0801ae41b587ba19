"""Checks of the other servers (`peers/`) that the client is tested against, and of nginx as a proxy in front of `hearken echo`.
Needs HEARKEN_URL, node, nginx and openssl."""

import gzip
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile

from harness import Checks, Peer, Reader, address_from_environment, connect

HERE = pathlib.Path(__file__).parent / "peers"
ECHO = address_from_environment()
checks = Checks("peers")


def trusting(directory):
    return ssl.create_default_context(cafile=f"{directory}/ca.pem")


def link_to(url, tls):
    if url.scheme == "https":
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=15, context=tls)
    return http.client.HTTPConnection(url.hostname, url.port, timeout=15)


def exchange(link, method, path, body=None, headers=None, **more):
    link.request(method, path, body=body, headers=headers or {}, **more)
    answer = link.getresponse()
    return answer.status, answer.headers, answer.read()


def common(name, url, tls):
    """Checks for Node's and Python's servers."""
    link = link_to(url, tls)
    checks.equal(f"{name}: GET", (200, b"Hello, World!"), exchange(link, "GET", "/plaintext")[::2])
    payload = os.urandom(100_000)
    status, _, body = exchange(link, "POST", "/echo", payload)
    checks.check(f"{name}: POST comes back", (status, body) == (200, payload), f"{status}, {len(body)} bytes")
    status, _, body = exchange(link, "POST", "/echo", iter([b"one", b"two"]), encode_chunked=True)
    checks.equal(f"{name}: POST in chunks", (200, b"onetwo"), (status, body))
    status, headers, body = exchange(link, "GET", "/stream/3")
    good = headers.get("Transfer-Encoding") == "chunked" and [json.loads(line)["id"] for line in body.splitlines()] == [0, 1, 2]
    checks.check(f"{name}: an answer in chunks", good, f"{headers} {body!r}")
    checks.equal(f"{name}: HEAD", (200, b""), exchange(link, "HEAD", "/plaintext")[::2])
    checks.equal(f"{name}: 404", 404, exchange(link, "GET", "/nowhere")[0])
    counted = json.loads(exchange(link, "GET", "/connections")[2])
    checks.equal(f"{name}: all that on one connection", 1, counted["connections"])
    link.request("GET", "/cut/5?length=10")
    try:
        got = link.getresponse().read()
    except (http.client.IncompleteRead, ConnectionResetError) as error:
        got = type(error)
    checks.check(f"{name}: an answer breaks off", isinstance(got, type), got)
    link.close()


def resumes(name, url, tls):
    """A second connection with the session of the first."""
    session = None
    for wanted in (False, True):
        link = tls.wrap_socket(connect((url.hostname, url.port)), server_hostname="localhost", session=session)
        with link:
            link.sendall(b"GET /connections HTTP/1.1\r\nHost: localhost\r\n\r\n")
            body = Reader(link).answer()[2].decode()
            # Read first: with TLS 1.3 the ticket comes after the handshake.
            session = link.session
            what = "the session again" if wanted else "a new session"
            if not checks.equal(f"{name}: {link.version()}, {what}", wanted, link.session_reused):
                return
    seen = json.loads(body)["resumed"] > 0 if body.startswith("{") else body.endswith(" r")
    checks.check(f"{name}: and it knows of that", seen, body)


def node_alone(url):
    address = (url.hostname, url.port)
    with connect(address) as link:
        link.sendall(b"GET /information HTTP/1.1\r\nHost: a\r\n\r\n")
        reader = Reader(link)
        heads = [reader.head() for _ in range(2)]
        checks.equal("node: 102 and 103", [102, 103], [status for status, _ in heads])
        checks.check("node: hints have a link", "preload" in heads[1][1].get("link", ""), heads)
        checks.equal("node: then 200", (200, b"informed"), reader.answer()[::2])
    for path, status in ((b"/echo", 100), (b"/refuse", 417)):
        with connect(address) as link:
            link.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n" % path)
            checks.equal(f"node: {path.decode()} says {status} to Expect", status, Reader(link).head()[0])
    with connect(address) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly")
        reader = Reader(link)
        status, fields = reader.head()
        link.sendall(b" and late")
        text = reader._take(14)
        checks.equal("node: Upgrade", (101, "echo", b"early and late"), (status, fields.get("upgrade"), text))
    with connect(address) as link:
        link.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % ECHO[1])
        reader = Reader(link)
        status, _ = reader.head()
        link.sendall(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n")
        checks.equal("node: CONNECT", (200, b"Hello, World!"), (status, reader.answer()[2]))
    with connect(address) as link:
        link.sendall(b"CONNECT elsewhere.test:80 HTTP/1.1\r\nHost: a\r\n\r\n")
        checks.equal("node: no CONNECT to elsewhere", 403, Reader(link).head()[0])


def python_alone(url):
    link = link_to(url, None)
    status, headers, body = exchange(link, "GET", "/old")
    good = (status, body) == (200, b"as long as it lasts") and "Content-Length" not in headers
    checks.check("python: an answer up to the end of the connection", good, f"{status} {headers}")
    link.close()


def nginx_alone(plain, secure, tls):
    link = link_to(plain, None)
    seen = [exchange(link, "GET", "/connections")[2].split()[:2] for _ in range(3)]
    good = len({first for first, _ in seen}) == 1 and [number for _, number in seen] == [b"1", b"2", b"3"]
    checks.check("nginx: three requests on one connection", good, seen)
    status, headers, body = exchange(link, "GET", "/bytes.txt", headers={"Accept-Encoding": "gzip"})
    good = headers.get("Transfer-Encoding") == "chunked" and gzip.decompress(body) == b"x" * 1048576
    checks.check("nginx: gzip in chunks", good, headers)
    checks.equal("nginx: a redirect", 302, exchange(link, "GET", "/moved")[0])
    link.close()
    resumes("nginx", secure, tls)


def nginx_in_front(plain):
    """nginx forwards requests to `hearken echo` over persistent connections."""
    link = link_to(plain, None)
    ports = {json.loads(exchange(link, "GET", "/up/ip")[2])["port"] for _ in range(30)}
    checks.equal("nginx in front: 30 requests over one connection to us", 1, len(ports))
    payload = os.urandom(3_000_000)
    status, _, body = exchange(link, "POST", "/up/echo", payload)
    checks.check("nginx in front: 3 MB come back", (status, body) == (200, payload), f"{status}, {len(body)} bytes")
    pieces = [payload[at : at + 70_000] for at in range(0, len(payload), 70_000)]
    status, _, body = exchange(link, "POST", "/up/echo", iter(pieces), encode_chunked=True)
    checks.check("nginx in front: in chunks too", (status, body) == (200, payload), f"{status}, {len(body)} bytes")
    checks.equal("nginx in front: a stream", 20, len(exchange(link, "GET", "/up/stream/20")[2].splitlines()))
    statuses = [exchange(link, method, path)[0] for method, path in (
        ("HEAD", "/up/bytes/1000"), ("GET", "/up/status/204"), ("GET", "/up/status/304"), ("PUT", "/up/json"), ("GET", "/up/trailers"),
    )]
    checks.equal("nginx in front: HEAD, 204, 304, 405 and trailers", [200, 204, 304, 405, 200], statuses)
    link.request("GET", "/up/cut/5?length=10")
    try:
        got = link.getresponse().read()
    except (http.client.IncompleteRead, ConnectionResetError) as error:
        got = type(error)
    checks.check("nginx in front: what breaks off here breaks off there", isinstance(got, type), got)
    link.close()
    with connect((plain.hostname, plain.port)) as link:
        link.sendall(b"GET /up/bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        Reader(link).head()
        link.shutdown(socket.SHUT_RDWR)
    link = link_to(plain, None)
    checks.equal("nginx in front: and goes on when its client does not", 200, exchange(link, "GET", "/up/plaintext")[0])
    link.close()


def main(directory):
    subprocess.run(["bash", HERE / "certificate.sh", directory], check=True, capture_output=True)
    tls = trusting(directory)
    files = (f"{directory}/cert.pem", f"{directory}/key.pem")
    for name, command in (("node", ("node", HERE / "node.mjs")), ("python", ("python3", HERE / "python.py"))):
        with checks.guard(name), Peer(*command) as peer:
            common(name, peer.urls[0], None)
            (node_alone if name == "node" else python_alone)(peer.urls[0])
        with checks.guard(f"{name}, TLS"), Peer(*command, *files) as peer:
            common(f"{name}, TLS", peer.urls[0], tls)
            resumes(f"{name}, TLS", peer.urls[0], tls)
    if not shutil.which("nginx"):
        checks.skip("nginx is not installed")
        return
    with checks.guard("nginx"), Peer("bash", HERE / "nginx.sh", directory, f"{ECHO[0]}:{ECHO[1]}", urls=2) as peer:
        nginx_alone(*peer.urls, tls)
        nginx_in_front(peer.urls[0])


with tempfile.TemporaryDirectory() as directory:
    main(directory)
checks.leave()
