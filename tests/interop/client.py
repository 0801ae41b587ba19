"""Python's http.client and urllib against `hearken echo`. Needs HEARKEN_URL; tests/interop/run sets it."""

import http.client
import json
import os
import urllib.error
import urllib.request

from harness import Checks, address_from_environment

ADDRESS = address_from_environment()
URL = os.environ["HEARKEN_URL"]
checks = Checks("client.py")


def connection():
    return http.client.HTTPConnection(*ADDRESS, timeout=15)


def exchange(link, method, path, body=None, headers=None, **more):
    link.request(method, path, body=body, headers=headers or {}, **more)
    answer = link.getresponse()
    return answer.status, answer.headers, answer.read()


def several_on_one_connection():
    link = connection()
    link.connect()
    port = link.sock.getsockname()[1]
    seen = []
    for _ in range(20):
        status, _, body = exchange(link, "GET", "/ip")
        seen.append((status, json.loads(body)["port"]))
    checks.equal("20 requests on one connection", [(200, port)] * 20, seen)

    status, _, body = exchange(link, "GET", "/plaintext")
    checks.equal("GET", (200, b"Hello, World!"), (status, body))
    payload = os.urandom(500_000)
    status, headers, body = exchange(link, "POST", "/echo", payload, {"Content-Type": "x/y"})
    checks.check("POST with a length", (status, body) == (200, payload), f"{status}, {len(body)} bytes")
    checks.equal("and its content type", "x/y", headers["Content-Type"])

    pieces = [os.urandom(size) for size in (1, 10, 1000, 70_000)]
    for style, source in (("an iterable", iter(pieces)), ("a list", pieces)):
        chunked = {"Transfer-Encoding": "chunked", "Content-Type": "x/y"}
        status, _, body = exchange(link, "POST", "/echo", source, chunked, encode_chunked=True)
        checks.check(f"POST in chunks, {style}", (status, body) == (200, b"".join(pieces)), f"{status}, {len(body)} bytes")

    status, headers, body = exchange(link, "HEAD", "/plaintext")
    checks.equal("HEAD", (200, "13", b""), (status, headers["Content-Length"], body))
    status, _, body = exchange(link, "GET", "/stream/5")
    checks.equal("a chunked answer", [0, 1, 2, 3, 4], [json.loads(line)["id"] for line in body.splitlines()])
    status, headers, _ = exchange(link, "PUT", "/json", b"x" * 1000)
    checks.check("405, its body unread", status == 405 and "GET" in (headers["Allow"] or ""), f"{status} {headers}")
    status, _, body = exchange(link, "GET", "/plaintext")
    checks.equal("all that on the same connection", (200, port), (status, link.sock and link.sock.getsockname()[1]))
    link.close()


def piece_by_piece():
    """The echo arrives during the upload: each piece is sent after the echo of the one before."""
    link = connection()
    link.putrequest("POST", "/echo")
    link.putheader("Transfer-Encoding", "chunked")
    link.putheader("Content-Type", "x/y")
    link.endheaders()
    answer = None
    back = []
    for piece in (b"first", b"second", b"third"):
        link.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        answer = answer or link.getresponse()
        back.append(answer.read(len(piece)))
    link.send(b"0\r\n\r\n")
    checks.equal("pieces come back as they go", [b"first", b"second", b"third", b""], [*back, answer.read()])
    link.close()


def plain_urllib():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{URL}/json", timeout=15) as answer:
        checks.equal("urllib GET", {"message": "Hello, World!"}, json.load(answer))
    with opener.open(urllib.request.Request(f"{URL}/echo", data=b"a=1&b=2"), timeout=15) as answer:
        checks.equal("urllib POST", b"a=1&b=2", answer.read())
    try:
        opener.open(f"{URL}/status/503", timeout=15)
        checks.check("urllib sees a 503", False, "no error")
    except urllib.error.HTTPError as error:
        checks.equal("urllib sees a 503", 503, error.code)
        error.close()


def trailers():
    link = connection()
    link.putrequest("POST", "/trailers")
    link.putheader("Transfer-Encoding", "chunked")
    link.endheaders(b"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n")
    answer = link.getresponse()
    checks.equal("trailers go up", {"trailers": {"X-Sum": "7"}, "bytes": 5}, json.loads(answer.read()))
    # http.client skips trailers; the next response must start at the right byte.
    checks.equal("and one that comes down does no harm", 200, exchange(link, "GET", "/plaintext")[0])
    link.close()


def broken_off():
    """A truncated response is an error; and the server survives a client that disconnects in the middle of one."""
    for how, path in (("in chunks", "/cut/5"), ("with a length", "/cut/5?length=10")):
        link = connection()
        link.request("GET", path)
        answer = link.getresponse()
        try:
            got = answer.read()
        except http.client.IncompleteRead as error:
            got = f"incomplete after {error.partial!r}"
        except ConnectionResetError:
            got = "reset"
        good = got in ("incomplete after b'*****'", "incomplete after b''", "reset")
        checks.check(f"an answer {how} that breaks off is an error ({got})", good, repr(got))
        link.close()
    link = connection()
    link.putrequest("POST", "/echo")
    link.putheader("Content-Length", "1000000")
    link.endheaders(b"x" * 1000)
    link.getresponse().read(1000)
    link.close()
    link = connection()
    link.request("GET", "/bytes/20000000")
    link.getresponse().read(1000)
    link.close()
    link = connection()
    checks.equal("both sides may break off, and the server goes on", 200, exchange(link, "GET", "/plaintext")[0])
    link.close()


for part in (several_on_one_connection, piece_by_piece, plain_urllib, trailers, broken_off):
    with checks.guard(part.__name__):
        part()
checks.leave()
