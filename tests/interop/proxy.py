"""examples/proxy in front of Node's and Python's servers, and of one that records what it gets. Needs PROXY (the program) and
node. Here: what an intermediary must forward, must not forward, and must add (RFC 9110 7.6)."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import sys
import threading

from harness import Checks, Peer, Reader, connect

HERE = pathlib.Path(__file__).parent / "peers"
checks = Checks("proxy")


class Recorder:
    """A server that records the bytes of each connection and answers the next of `answers` to each head."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.heads, self.answers = [], []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        received = b""
        with contextlib.suppress(OSError), connection:
            while piece := connection.recv(65536):
                received += piece
                while b"\r\n\r\n" in received:
                    head, received = received.split(b"\r\n\r\n", 1)
                    self.heads.append(head)
                    for part in self.answers.pop(0):
                        connection.sendall(part)

    def asked(self, proxy, request, *answer):
        """The head that arrives for this request, as lines, and the response that comes back."""
        self.answers.append(answer or (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",))
        with connect(proxy) as client:
            client.sendall(request)
            reader = Reader(client)
            status, fields, body = reader.answer(to_head=request.startswith(b"HEAD"))
            while status < 200 and status != 101:
                status, fields, body = reader.answer()
        return self.heads.pop().decode().split("\r\n"), (status, fields, body)


@contextlib.contextmanager
def proxy_of(url):
    with Peer(os.environ["PROXY"], "127.0.0.1:0", url) as proxy:
        yield proxy.urls[0].hostname, proxy.urls[0].port


def values(lines, name):
    pairs = (line.partition(": ") for line in lines[1:])
    return [value for own, _, value in pairs if own.lower() == name]


def requests(recorder, proxy):
    def head(request, **more):
        return recorder.asked(proxy, request, **more)[0]

    with checks.guard("a GET has no framing"):
        lines = head(b"GET /a?b=%41 HTTP/1.1\r\nHost: front.example\r\nX-A: 1\r\n\r\n")
        checks.equal("path and query are passed on as they are", "GET /a?b=%41 HTTP/1.1", lines[0])
        for name in ("content-length", "transfer-encoding", "connection"):
            checks.equal(f"a GET without content has no {name}", [], values(lines, name))
        checks.equal("other fields are passed on", ["1"], values(lines, "x-a"))
        checks.equal("Via names the proxy", ["1.1 hearken-example"], values(lines, "via"))
        checks.equal("Host is that of the server", [recorder.url[7:]], values(lines, "host"))
        expected = ['for=127.0.0.1;host="front.example";proto=http']
        checks.equal("Forwarded names client and host", expected, values(lines, "forwarded"))

    with checks.guard("dots in a path"):
        lines = head(b"GET /a/../b//c/%2e HTTP/1.1\r\nHost: a\r\n\r\n")
        checks.equal("a path is not normalised", "GET /a/../b//c/%2e HTTP/1.1", lines[0])

    with checks.guard("fields of the connection"):
        lines = head(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Secret, keep-alive\r\nConnection: x-other\r\nX-Secret: 1\r\n"
            b"X-Other: 2\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: close\r\n"
            b"TE: trailers\r\nAuthorization: Basic eDp6\r\nVia: 1.0 other\r\nForwarded: for=192.0.2.1\r\n\r\n"
        )
        gone = ("x-secret", "x-other", "keep-alive", "proxy-authorization", "proxy-connection", "te", "connection")
        for name in gone:
            checks.equal(f"{name} ends at the proxy", [], values(lines, name))
        checks.equal("Authorization is for the server", ["Basic eDp6"], values(lines, "authorization"))
        checks.equal("Via grows", ["1.0 other", "1.1 hearken-example"], values(lines, "via"))
        checks.equal("Forwarded grows", "for=192.0.2.1", values(lines, "forwarded")[0])

    with checks.guard("targets"):
        lines = head(b"GET http://front.example/x?y HTTP/1.1\r\nHost: front.example\r\n\r\n")
        checks.equal("an absolute target becomes a path", "GET /x?y HTTP/1.1", lines[0])
        lines = head(b"GET http://front.example?y HTTP/1.1\r\nHost: front.example\r\n\r\n")
        checks.equal("an absolute target without a path", "GET /?y HTTP/1.1", lines[0])
        lines = head(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        checks.equal("OPTIONS * stays", "OPTIONS * HTTP/1.1", lines[0])
        lines = head(b"OPTIONS http://front.example HTTP/1.1\r\nHost: front.example\r\n\r\n")
        checks.equal("OPTIONS of a whole server becomes *", "OPTIONS * HTTP/1.1", lines[0])

    with checks.guard("Max-Forwards"):
        lines = head(b"OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 2\r\n\r\n")
        checks.equal("Max-Forwards counts down", ["1"], values(lines, "max-forwards"))
        with connect(proxy) as client:
            client.sendall(b"OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
            checks.equal("Max-Forwards: 0 is answered by the proxy", 200, Reader(client).answer()[0])
        with connect(proxy) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x, 1.1 hearken-example\r\n\r\n")
            checks.equal("a loop is answered 508", 508, Reader(client).answer()[0])


def framing(recorder, proxy):
    for body in (b"Content-Length: 0\r\n\r\n", b"Content-Length: 3\r\n\r\nabc"):
        with checks.guard(body):
            lines, _ = recorder.asked(proxy, b"POST / HTTP/1.1\r\nHost: a\r\n" + body)
            length = body.split(b"\r\n")[0].split()[1].decode()
            checks.equal(f"Content-Length {length} is passed on", [length], values(lines, "content-length"))
            checks.equal(f"Content-Length {length} adds no chunks", [], values(lines, "transfer-encoding"))
    with checks.guard("HEAD"):
        lines, (status, fields, _) = recorder.asked(
            proxy, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"
        )
        checks.equal("HEAD keeps the length", "12345", fields.get("content-length"))
    with checks.guard("204"):
        _, (status, fields, _) = recorder.asked(
            proxy, b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"
        )
        framed = [name for name in ("content-length", "transfer-encoding") if name in fields]
        checks.equal("204 has no framing", (204, []), (status, framed))
    with checks.guard("304"):
        _, (status, fields, _) = recorder.asked(
            proxy, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'
        )
        checks.equal("304 keeps its ETag", (304, '"x"'), (status, fields.get("etag")))
    with checks.guard("a response's fields of the connection"):
        _, (status, fields, body) = recorder.asked(
            proxy,
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"HTTP/1.1 200 Fine\r\nConnection: X-Secret\r\nX-Secret: 1\r\nProxy-Authenticate: Basic\r\nKeep-Alive: timeout=9\r\n"
            b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
        )
        gone = [name for name in ("x-secret", "proxy-authenticate", "keep-alive") if name in fields]
        checks.equal("fields of the server's connection end here", [], gone)
        checks.equal("a response has Via", "1.1 hearken-example", fields.get("via"))
        checks.equal("the content comes through", b"ok", body)


def interim(recorder, proxy):
    with checks.guard("interim responses"):
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X-B\r\nX-B: 1\r\n\r\n"
        final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        recorder.answers.append((hints + final,))
        with connect(proxy) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            reader = Reader(client)
            status, fields = reader.head()
            checks.equal("103 is passed on", (103, "</a.css>; rel=preload"), (status, fields.get("link")))
            checks.equal("without fields of the connection", None, fields.get("x-b"))
            checks.equal("the final response follows", (200, b"ok"), reader.answer()[::2])
    with checks.guard("100 Continue"):
        recorder.answers.append((b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno",))
        with connect(proxy) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            checks.equal("a refused expectation is passed on", 417, Reader(client).answer()[0])
        expect = values(recorder.heads.pop().decode().split("\r\n"), "expect")
        checks.equal("the expectation is passed on", ["100-continue"], expect)


def pass_through(name, proxy, *more):
    """Exchanges that the servers of both languages answer alike, then GETs of `more`, on one connection. Returns it."""
    client = http.client.HTTPConnection(*proxy, timeout=20)
    for method, path, body, expected in (
        ("GET", "/plaintext", None, b"Hello, World!"),
        ("POST", "/echo", b"x" * 300_000, b"x" * 300_000),
        ("POST", "/echo", iter([b"chunked ", b"content"]), b"chunked content"),
        ("GET", "/stream/3", None, b'{"id":0}\n{"id":1}\n{"id":2}\n'),
        *(("GET", path, None, expected) for path, expected in more),
    ):
        client.request(method, path, body)
        with client.getresponse() as response:
            content = response.read()
        # Only its size, since some contents are megabytes.
        checks.check(f"{name}: {method} {path}", content == expected, f"{len(content)} bytes")
    return client


def with_node(proxy):
    with checks.guard("Node"):
        client = pass_through("Node", proxy, ("/bytes/3000000", b"x" * 3_000_000))
        client.request("HEAD", "/bytes/1000")
        with client.getresponse() as response:
            checks.equal("Node: HEAD", ("1000", b""), (response.getheader("content-length"), response.read()))
        client.request("GET", "/headers", headers={"X-Twice": "1"})
        with client.getresponse() as response:
            raw = json.load(response)["rawHeaders"]
        names = [name.lower() for name in raw[::2]]
        checks.check("Node: sees Via and Forwarded", {"via", "forwarded"} <= set(names), names)
        checks.check("Node: sees no framing of a GET", not {"content-length", "transfer-encoding"} & set(names), names)
    with checks.guard("Node: trailers"), connect(proxy) as client:
        client.sendall(
            b"POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
        )
        received = b""
        while b"\r\n0\r\n" not in received or not received.endswith(b"\r\n\r\n"):
            piece = client.recv(65536)
            if not piece:
                break
            received += piece
        checks.check("Node: trailers of the request arrive", b'["X-Sum","6"]' in received, received)
        checks.check("Node: trailers of the response arrive", b"\r\nContent-Digest: sha-256=" in received, received)
    with checks.guard("Node: interim"), connect(proxy) as client:
        client.sendall(b"GET /information HTTP/1.1\r\nHost: a\r\n\r\n")
        reader = Reader(client)
        checks.equal("Node: 102, 103, 200", [102, 103, 200], [reader.head()[0], reader.head()[0], reader.answer()[0]])
    with checks.guard("Node: expect"), connect(proxy) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        reader = Reader(client)
        checks.equal("Node: 100 comes before the content", 100, reader.head()[0])
        client.sendall(b"abc")
        checks.equal("Node: then the response", (200, b"abc"), reader.answer()[::2])
    with checks.guard("Node: upgrade"), connect(proxy) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        reader = Reader(client)
        status, fields = reader.head()
        checks.equal("Node: 101 with its protocol", (101, "echo"), (status, fields.get("upgrade")))
        client.sendall(b"through the proxy")
        checks.equal("Node: bytes after the upgrade", b"through the proxy", reader._take(17))
    with checks.guard("Node: broken"), connect(proxy) as client:
        client.sendall(b"GET /cut/10?length=100 HTTP/1.1\r\nHost: a\r\n\r\n")
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                received += piece
        checks.check("Node: a response that is cut never looks whole", received.endswith(b"*" * 10), received)


def with_python(proxy):
    with checks.guard("Python"):
        # /old answers without a length; the connection to the client persists all the same.
        pass_through("Python", proxy, ("/old", b"as long as it lasts"), ("/plaintext", b"Hello, World!"))
    with checks.guard("Python: two requests"), connect(proxy) as client:
        # A server that does not read chunks takes the end of an empty chunked body for its next request.
        client.sendall(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        reader = Reader(client)
        answers = [reader.answer()[0], reader.answer()[0]]
        checks.equal("Python: two pipelined requests", [200, 200], answers)


def main():
    recorder = Recorder()
    with proxy_of(recorder.url) as proxy:
        requests(recorder, proxy)
        framing(recorder, proxy)
        interim(recorder, proxy)
    with Peer("node", HERE / "node.mjs") as node, proxy_of(node.urls[0].geturl()) as proxy:
        with_node(proxy)
    with Peer(sys.executable, HERE / "python.py") as python, proxy_of(python.urls[0].geturl()) as proxy:
        with_python(proxy)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = "http://127.0.0.1:%d" % closed.getsockname()[1]
    with proxy_of(url) as proxy, checks.guard("no server"), connect(proxy) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        checks.equal("a server that is not there is 502", 502, Reader(client).answer()[0])


main()
checks.leave()
