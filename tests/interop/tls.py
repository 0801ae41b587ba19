"""Python's ssl and http.client, and httpx where it is, against `hearken echo` with TLS. Needs HEARKEN_URL (https) and HEARKEN_CA."""

import http.client
import os
import socket
import ssl
import warnings

from harness import Checks, Reader, address_from_environment, connect, read_to_end

ADDRESS = address_from_environment()
URL = os.environ["HEARKEN_URL"]
CA = os.environ["HEARKEN_CA"]
GET = b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n"
checks = Checks("tls.py")


def context(version=None):
    tls = ssl.create_default_context(cafile=CA)
    if version:
        tls.minimum_version = tls.maximum_version = version
    return tls


def handshake(tls, name="localhost", **more):
    return tls.wrap_socket(connect(ADDRESS), server_hostname=name, **more)


def ask(link):
    link.sendall(GET)
    return Reader(link).answer()[2]


def versions():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls = context(version)
        with handshake(tls) as link:
            checks.equal(f"{link.version()}: an answer", b"Hello, World!", ask(link))
            checks.equal(f"{link.version()}: a new session", False, link.session_reused)
            session = link.session
        for number in (1, 2):
            with handshake(tls, session=session) as link:
                body = ask(link)
                what = f"{link.version()}: resumption {number}"
                checks.equal(what, (b"Hello, World!", True), (body, link.session_reused))
                session = link.session
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(CA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        with handshake(old) as link:
            got = link.version()
    except ssl.SSLError as error:
        got = error.reason
    # The alert comes from the server: a client that cannot offer the version fails with another error.
    checks.equal("TLS 1.1 is refused, with the alert that says so", "TLSV1_ALERT_PROTOCOL_VERSION", got)


def names():
    for name in ("localhost", "127.0.0.1"):
        with handshake(context(), name) as link:
            checks.equal(f"the certificate is good for {name}", b"Hello, World!", ask(link))
    for what, tls, name in (("another name", context(), "other.test"), ("no known authority", ssl.create_default_context(), "localhost")):
        try:
            handshake(tls, name).close()
            got = "taken"
        except ssl.SSLCertVerificationError as error:
            got = error
        checks.check(f"{what} is refused by the client", isinstance(got, ssl.SSLCertVerificationError), got)


def connections():
    link = http.client.HTTPSConnection(*ADDRESS, timeout=15, context=context())
    seen = []
    for _ in range(20):
        link.request("GET", "/plaintext")
        seen.append(link.getresponse().read())
        port = link.sock.getsockname()[1]
        seen.append(port)
    checks.equal("20 requests on one connection", {b"Hello, World!", port}, set(seen))
    payload = os.urandom(1_000_000)
    link.request("POST", "/echo", payload)
    checks.check("1 MB comes back", link.getresponse().read() == payload)
    link.request("POST", "/echo", iter([payload[:1], payload[1:]]), encode_chunked=True)
    checks.check("and in chunks", link.getresponse().read() == payload)
    link.close()
    with handshake(context()) as link:
        link.sendall(GET.replace(b"Host", b"Connection: close\r\nHost"))
        received = b""
        while piece := link.recv(65536):  # an end without close_notify would be an error
            received += piece
        checks.check("the server ends with close_notify", received.endswith(b"Hello, World!"), received)


def no_tls():
    with connect(ADDRESS) as link:
        link.sendall(GET)
        answer = read_to_end(link)
    good = answer.startswith(b"HTTP/1.1 400 ") and b"https" in answer.lower()
    checks.check("plain HTTP gets a 400 that names https", good, answer[:200])
    with connect(ADDRESS) as link:
        link.sendall(b"\x16\x03\x01\xff\xff garbage")
        checks.check("garbage is closed", len(read_to_end(link)) < 100)
    links = [connect(ADDRESS) for _ in range(50)]
    for link in links:
        link.sendall(b"\x16\x03\x01")
    with handshake(context()) as link:
        checks.equal("50 stalled handshakes do not delay another client", b"Hello, World!", ask(link))
    for link in links:
        link.shutdown(socket.SHUT_RDWR)
        link.close()


def with_httpx():
    try:
        import httpx
    except ImportError:
        checks.skip("httpx: cannot be fetched")
        return
    with httpx.Client(base_url=URL, verify=context(), timeout=15, trust_env=False) as link:
        ports = {link.get("/ip").json()["port"] for _ in range(20)}
        checks.equal("httpx: 20 requests on one connection", 1, len(ports))
        checks.equal("httpx: a body comes back", b"x" * 100_000, link.post("/echo", content=b"x" * 100_000).content)
    with httpx.Client(base_url=URL, timeout=15, trust_env=False) as link:
        try:
            got = repr(link.get("/plaintext"))
        except httpx.ConnectError as error:
            got = error
        checks.check("httpx: verify is on", isinstance(got, httpx.ConnectError), got)
    with httpx.Client(base_url=URL, verify=False, timeout=15, trust_env=False) as link:
        checks.equal("httpx: verify=False", "Hello, World!", link.get("/plaintext").text)


for part in (versions, names, connections, no_tls, with_httpx):
    with checks.guard(part.__name__):
        part()
checks.leave()
