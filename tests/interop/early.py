"""Responses that come before the end of the request: a client that sends all of its request before it reads, as Python's
http.client and many others do, gets each of them, over TCP and over TLS."""

import http.client
import ssl
import time

from harness import Checks, Server, connect, read_to_end

TIMES = 6
MB = 1_000_000

checks = Checks("early")


def unverified():
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def client(server, secure):
    if secure:
        return http.client.HTTPSConnection(*server.address, timeout=20, context=unverified())
    return http.client.HTTPConnection(*server.address, timeout=20)


def pieces(size):
    for _ in range(0, size, 65_536):
        yield b"." * 65_536


def upload(server, secure, target, body, headers, status):
    """The number of uploads that got their response."""
    good, last = 0, ""
    for _ in range(TIMES):
        connection = client(server, secure)
        try:
            connection.request("POST", target, body() if callable(body) else body, headers, encode_chunked=callable(body))
            response = connection.getresponse()
            response.read()
            good += response.status == status
            last = response.status
        except OSError as error:
            last = error
        finally:
            connection.close()
    return good, last


def uploads(server, secure):
    scheme = "https" if secure else "http"
    for megabytes in (3, 20):
        body = b"." * (megabytes * MB)
        for name, target, body, headers, status in [
            ("404", "/nowhere", body, {}, 404),
            ("404 in chunks", "/nowhere", lambda: pieces(megabytes * MB), {"Transfer-Encoding": "chunked"}, 404),
            ("404, Connection: close", "/nowhere", body, {"Connection": "close"}, 404),
            ("404, Expect", "/nowhere", body, {"Expect": "100-continue"}, 404),
            ("404, Upgrade", "/nowhere", body, {"Connection": "upgrade", "Upgrade": "nothing"}, 404),
            ("417", "/echo", body, {"Expect": "something"}, 417),
            ("405", "/plaintext", body, {}, 405),
            ("406", "/echo", body, {"Accept-Encoding": "identity;q=0"}, 406),
        ]:
            good, last = upload(server, secure, target, body, headers, status)
            checks.check(f"{scheme}: {name} to {megabytes} MB, {TIMES} times", good == TIMES, f"{good} times; {last!r}")


def raw(server, secure, first, rest, piece=b"." * 65_536):
    """What the server sends to a client that sends all of its request, and only then reads."""
    link = connect(server.address, timeout=20)
    if secure:
        link = unverified().wrap_socket(link)
    with link:
        link.sendall(first)
        for _ in range(0, rest, len(piece)):
            link.sendall(piece)
        return read_to_end(link, 20)


def faults(server, secure):
    scheme = "https" if secure else "http"
    chunked = b"POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for name, first, status in [
        ("a fault in the middle of a chunked body", chunked + b"3\r\nabc\r\nzz\r\n", 400),
        ("two hosts", b"POST /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 20000000\r\n\r\n", 400),
        ("a long target", b"POST /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n", 414),
        ("many fields", b"POST / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        ("CONNECT", b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
    ]:
        with checks.guard(f"{scheme}: {name}"):
            received = raw(server, secure, first, 20 * MB)
            good = received.startswith(b"HTTP/1.1 %d " % status)
            checks.check(f"{scheme}: {status} to {name} before 20 MB", good, repr(received[:80]))
    # Neither side can go on if the server does not read while it writes.
    for version in (b"1.0", b"1.1"):
        with checks.guard(f"{scheme}: a large response"):
            head = b"GET /bytes/10000000 HTTP/%s\r\nHost: a\r\nConnection: close\r\nContent-Length: 20000000\r\n\r\n"
            received = raw(server, secure, head % version, 20 * MB)
            body = received.partition(b"\r\n\r\n")[2]
            checks.equal(f"{scheme}: 10 MB to a request of 20 MB in HTTP/{version.decode()}", 10 * MB, len(body))


def plain_to_tls(server):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n"
    for _ in range(TIMES):
        with connect(server.address, timeout=20) as link:
            link.sendall(head)
            for _ in range(0, 20 * MB, 65_536):
                link.sendall(b"." * 65_536)
            received = read_to_end(link, 20)
        if not received.startswith(b"HTTP/1.1 400 "):
            return checks.check("https: 400 to plain http with 20 MB", False, repr(received[:80]))
    return checks.check(f"https: 400 to plain http with 20 MB, {TIMES} times", True)


def left_after_silence(server):
    """A client that keeps its direction open after the last response does not keep the connection."""
    with connect(server.address) as link:
        link.sendall(b"GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        checks.check("the server ends its direction at once", read_to_end(link, 2).endswith(b"Hello, World!"))
        try:
            time.sleep(5.5)
            link.sendall(b"x")
            time.sleep(0.2)
            link.sendall(b"x")
            checks.check("the server closes after 5 s of silence", False, "it still reads")
        except (BrokenPipeError, ConnectionResetError):
            checks.check("the server closes after 5 s of silence", True)


def main():
    with Server() as server:
        uploads(server, False)
        faults(server, False)
        left_after_silence(server)
    with Server("--tls-self-signed") as server:
        uploads(server, True)
        faults(server, True)
        with checks.guard("https: plain http"):
            plain_to_tls(server)
    checks.leave()


main()
