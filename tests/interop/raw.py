"""Malformed and unusual requests as raw bytes to `hearken echo`, and the expected responses. Needs HEARKEN_URL.

Each rejected request is followed by a valid one in the same bytes: a second response would mean that a front end and this
server can disagree about where a request begins (request smuggling).
"""

import re
import socket
import ssl
import struct
import time

from harness import Checks, Cut, Reader, address_from_environment, connect, read_to_end

ADDRESS = address_from_environment()
checks = Checks("raw")

GET = b"GET /plaintext HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
SMUGGLED = b"GET /echo/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def talk(sent, half_close=False):
    with connect(ADDRESS) as link:
        link.sendall(sent)
        if half_close:
            link.shutdown(socket.SHUT_WR)
        return read_to_end(link)


def answers_in(received):
    """How many answers these bytes hold. The text of a refusal may name HTTP/1.1 too."""
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", received))


def chunked(body):
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + body


def field(line):
    return GET + line + b"\r\n\r\n"


# Name, bytes, status. Each is answered once and closed.
REFUSED = [
    ("Content-Length and Transfer-Encoding", POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("Transfer-Encoding and Content-Length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
    ("two different Content-Length", POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    ("two equal Content-Length", POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    ("Content-Length: 1, 1", POST + b"Content-Length: 1, 1\r\n\r\nx", 400),
    ("Content-Length: +1", POST + b"Content-Length: +1\r\n\r\nx", 400),
    ("Content-Length: -1", POST + b"Content-Length: -1\r\n\r\nx", 400),
    ("Content-Length: 0x1", POST + b"Content-Length: 0x1\r\n\r\nx", 400),
    ("Content-Length: 1 1", POST + b"Content-Length: 1 1\r\n\r\nx", 400),
    ("Content-Length without a value", POST + b"Content-Length:\r\n\r\nx", 400),
    ("Content-Length of 20 digits", POST + b"Content-Length: 18446744073709551617\r\n\r\nx", 400),
    ("GET with both lengths", GET + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("Transfer-Encoding: gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("Transfer-Encoding: identity", POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    ("Transfer-Encoding: xchunked", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    ("Transfer-Encoding: chunked, chunked", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    ("two Transfer-Encoding", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("Transfer-Encoding with a vertical tab", POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("Transfer-Encoding in HTTP/1.0", b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunk size 0x1", chunked(b"0x1\r\nx\r\n0\r\n\r\n"), 400),
    ("chunk size +1", chunked(b"+1\r\nx\r\n0\r\n\r\n"), 400),
    ("chunk size -1", chunked(b"-1\r\nx\r\n0\r\n\r\n"), 400),
    ("chunk size 1_0", chunked(b"1_0\r\nx\r\n0\r\n\r\n"), 400),
    ("no chunk size", chunked(b"\r\nx\r\n0\r\n\r\n"), 400),
    ("space before the chunk size", chunked(b" 1\r\nx\r\n0\r\n\r\n"), 400),
    ("space after the chunk size", chunked(b"1 \r\nx\r\n0\r\n\r\n"), 400),
    ("chunk size of 17 digits", chunked(b"10000000000000001\r\nx\r\n0\r\n\r\n"), 400),
    ("chunk size ended by a bare LF", chunked(b"1\nx\r\n0\r\n\r\n"), 400),
    ("zeros without an end as chunk size", chunked(b"0" * 10_000 + b"1\r\nx\r\n0\r\n\r\n"), 400),
    ("a space between a chunk size and its digits", chunked(b"1 0\r\nx\r\n0\r\n\r\n"), 400),
    ("bare LF in a chunk extension", chunked(b"1;a\nb\r\nx\r\n0\r\n\r\n"), 400),
    ("a chunk extension without a name", chunked(b"1;\r\nx\r\n0\r\n\r\n"), 400),
    ("a chunk extension of 300 bytes", chunked(b"1;" + b"a" * 300 + b"\r\nx\r\n0\r\n\r\n"), 400),
    ("bare LF after the request line", b"GET /plaintext HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("bare LF after a field", b"GET /plaintext HTTP/1.1\r\nHost: a\n\r\n", 400),
    ("bare LF at the end of the head", b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("bare CR in a value", field(b"X: a\rb"), 400),
    ("NUL in a value", field(b"X: a\0b"), 400),
    ("obs-fold", field(b"X: a\r\n b"), 400),
    ("obs-fold in Content-Length", POST + b"Content-Length:\r\n 4\r\n\r\n0000", 400),
    ("obs-fold before Transfer-Encoding", POST + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n", 400),
    ("space before the colon", field(b"X : a"), 400),
    ("space before the colon of Transfer-Encoding", POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ("a field without a colon", field(b"X"), 400),
    ("a field without a name", field(b": a"), 400),
    ("a space before the first field", b"GET /plaintext HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
    ("a byte above 127 in a name", field(b"X\xe4: a"), 400),
    ("no Host", b"GET /plaintext HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", field(b"Host: b"), 400),
    ("two equal Hosts", field(b"Host: a"), 400),
    ("Host with a path", b"GET /plaintext HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("Host with a user", b"GET /plaintext HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("Host against the absolute target", b"GET http://b/plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("HTTP/2.0", b"GET /plaintext HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/1.2", b"GET /plaintext HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ("HTTP/1.01", b"GET /plaintext HTTP/1.01\r\nHost: a\r\n\r\n", 400),
    ("http/1.1", b"GET /plaintext http/1.1\r\nHost: a\r\n\r\n", 400),
    ("HTTP/0.9", b"GET /plaintext\r\n\r\n", 400),
    ("two spaces in the request line", b"GET  /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a tab in the request line", b"GET\t/plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a fragment in the target", b"GET /plaintext#a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a byte above 127 in the target", b"GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a quote in the method", b'G"T /plaintext HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    ("a method of 33 letters", b"G" * 33 + b" /plaintext HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("GET *", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("a target of 9,000 bytes", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("a field of 40,000 bytes", field(b"X: " + b"a" * 40_000), 431),
    ("101 fields", field(b"\r\n".join(b"X: a" for _ in range(100))), 431),
    ("garbage", b"\x00\x01\x02\xff\xfe garbage\r\n\r\n", 400),
]


def refused():
    for name, sent, status in REFUSED:
        with checks.guard(name):
            answer = talk(sent + SMUGGLED)
            good = answer.startswith(b"HTTP/1.1 %d " % status) and answers_in(answer) == 1
            good = good and b"smuggled" not in answer.partition(b"\r\n\r\n")[2]
            checks.check(f"{name}: {status}, closed", good, repr(answer[:200]))


def late_fault():
    """The head of the answer is out when the body turns bad: it must not look complete."""
    with connect(ADDRESS) as link:
        link.sendall(chunked(b"5\r\nhello\r\n"))
        reader = Reader(link)
        status, _ = reader.head()
        link.sendall(b"zz\r\n" + SMUGGLED)
        rest = bytes(reader.buffer) + read_to_end(link)
        good = status == 200 and b"hello" in rest and not rest.endswith(b"0\r\n\r\n") and not answers_in(rest)
        checks.check("a bad second chunk cuts the answer visibly", good, repr((status, rest)))


def tls():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    answer = talk(outgoing.read())
    good = answer.startswith(b"HTTP/1.1 400 ") and answers_in(answer) == 1
    checks.check("a TLS ClientHello: 400, closed", good, repr(answer[:200]))


def unusual_framing():
    """Legal framing that few clients send: the next request begins where it must."""
    bodies = [
        ("leading zeros in Content-Length", POST + b"Content-Length: 0000005\r\n\r\nhello"),
        ("30 zeros in Content-Length", POST + b"Content-Length: " + b"0" * 30 + b"5\r\n\r\nhello"),
        ("leading zeros in chunk sizes", chunked(b"0005\r\nhello\r\n000\r\n\r\n")),
        ("100 zeros in chunk sizes", chunked(b"0" * 100 + b"5\r\nhello\r\n" + b"0" * 100 + b"\r\n\r\n")),
        ("white space around a chunk extension", chunked(b"5 ;\ta = b ; c\r\nhello\r\n0 ;d\r\n\r\n")),
    ]
    with connect(ADDRESS) as link:
        reader = Reader(link)
        for name, sent in bodies:
            link.sendall(sent + GET + b"\r\n")
            answers = [reader.answer()[::2] for _ in range(2)]
            checks.equal(f"{name}: taken", [(200, b"hello"), (200, b"Hello, World!")], answers)


def pipelining():
    paths = [b"/echo/0", b"/delay/0.1", b"/stream/3", b"/nowhere", b"/echo/4"] * 4
    with connect(ADDRESS) as link:
        link.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths))
        reader = Reader(link)
        answers = [reader.answer() for _ in paths]
    good = [status for status, _, _ in answers] == [200, 200, 200, 404, 200] * 4
    good = good and all(answers[at][2].strip() == b"%d" % (at % 5) for at in (0, 4, 5, 9, 10, 14, 15, 19))
    checks.check("20 pipelined requests are answered in order", good, repr([a[::2] for a in answers]))

    with connect(ADDRESS) as link:
        link.sendall((POST + b"Content-Length: 5\r\n\r\nhello") * 3 + GET + b"\r\n")
        reader = Reader(link)
        bodies = [reader.answer()[2] for _ in range(4)]
    checks.equal("pipelined requests with bodies", [b"hello"] * 3 + [b"Hello, World!"], bodies)

    with connect(ADDRESS) as link:
        reader = Reader(link)
        for byte in GET + b"\r\n":
            link.sendall(bytes([byte]))
        checks.equal("byte by byte", b"Hello, World!", reader.answer()[2])
        link.sendall(b"\r\n" + GET + b"\r\n")
        checks.equal("an empty line before a request (RFC 9112 2.2)", b"Hello, World!", reader.answer()[2])


def closing():
    for path, body in ((b"/plaintext", b"Hello, World!"), (b"/delay/1", b'"delay"'), (b"/stream/2", b'"id":1')):
        answer = talk(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path, half_close=True)
        name = f"half-closed: {path.decode()} is answered, then closed"
        checks.check(name, answer.startswith(b"HTTP/1.1 200 ") and body in answer, repr(answer[-200:]))
    answer = talk(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", half_close=True)
    head, _, body = answer.partition(b"\r\n\r\n")
    good = head.startswith(b"HTTP/1.1 400 ") or (b"content-length: 10" in head.lower() and len(body) < 10)
    checks.check("half-closed within a body: no answer that looks whole", good, repr(answer[-200:]))

    answer = talk(GET + b"Connection: close\r\n\r\n" + SMUGGLED)
    good = b"connection: close" in answer.lower() and answer.endswith(b"Hello, World!")
    checks.check("Connection: close closes, and nothing after it is read", good, repr(answer[-200:]))
    answer = talk(b"GET /plaintext HTTP/1.0\r\n\r\n" + SMUGGLED)
    checks.check("HTTP/1.0 closes", answer.endswith(b"Hello, World!"), repr(answer[-200:]))
    with connect(ADDRESS) as link:
        reader = Reader(link)
        seen = []
        for _ in range(3):
            link.sendall(b"GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            status, fields, _ = reader.answer()
            seen.append((status, fields.get("connection", "").lower()))
        checks.equal("HTTP/1.0 with keep-alive stays", [(200, "keep-alive")] * 3, seen)
    with connect(ADDRESS) as link:
        link.sendall(b"POST /plaintext HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1000)
        reader = Reader(link)
        status, fields, _ = reader.answer()
        checks.equal("100 MB to an endpoint without POST: 405 at once, then closed", (405, "close"), (status, fields.get("connection")))
        try:
            reader.answer()
            checks.check("and nothing after it", False, "one more answer")
        except Cut as cut:
            checks.equal("and nothing after it", b"", cut.received)


def expectations():
    expecting = POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with connect(ADDRESS) as link:
        reader = Reader(link)
        seen = []
        for _ in range(3):
            link.sendall(expecting)
            seen.append(reader.head()[0])
            link.sendall(b"hello")
            seen.append(reader.answer()[::2])
        checks.equal("Expect, again and again: 100, then the answer", [100, (200, b"hello")] * 3, seen)
        link.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n\r\n")
        status = reader.head()[0]
        link.sendall(b"5\r\nhello\r\n0\r\n\r\n")
        checks.equal("in any case, and with chunks", (100, b"hello"), (status, reader.answer()[2]))
        link.sendall(expecting.replace(b"/echo", b"/nowhere"))
        status, fields, _ = reader.answer()
        checks.equal("a final answer instead: the body is not read, so it closes", (404, "close"), (status, fields.get("connection")))
        checks.equal("and nothing comes after it", b"", bytes(reader.buffer) + read_to_end(link))
    with connect(ADDRESS) as link:
        link.sendall(expecting + b"hello" + GET + b"\r\n")
        reader = Reader(link)
        first = reader.answer()
        if first[0] == 100:
            first = reader.answer()
        answers = [first[2], reader.answer()[2]]
        checks.equal("a body that did not wait is a body like any other", [b"hello", b"Hello, World!"], answers)
    answer = talk(b"POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
    good = answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello") and answers_in(answer) == 1
    with connect(ADDRESS) as link:
        reader = Reader(link)
        for _ in range(2):
            link.sendall(b"GET /information HTTP/1.1\r\nHost: a\r\n\r\n")
            heads = [reader.head() for _ in range(2)]
            seen = [heads[0], heads[1], reader.answer()[0]]
            links = {"link": "</plaintext>; rel=preload; as=fetch"}
            checks.equal("102 and 103 have their fields and nothing else", [(102, {}), (103, links), 200], seen)
    answer_1_0 = talk(b"GET /information HTTP/1.0\r\n\r\n")
    checks.check("HTTP/1.0 gets the answer alone", answer_1_0.startswith(b"HTTP/1.1 200 "), repr(answer_1_0[:200]))
    checks.check("HTTP/1.0 knows no 1xx and gets none", good, repr(answer[:200]))
    answer = talk(GET + b"Expect: tea\r\n\r\n")
    checks.check("another expectation: 417", answer.startswith(b"HTTP/1.1 417 "), repr(answer[:100]))


UPGRADE = b"GET /upgrade/echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def switching():
    with connect(ADDRESS) as link:
        link.sendall(UPGRADE + b"GET / HTTP/1.1\r\n\r\n")
        reader = Reader(link)
        status, fields = reader.head()
        good = (status, fields.get("upgrade"), fields.get("connection")) == (101, "echo", "Upgrade")
        checks.check("101 and no length", good and "content-length" not in fields and "transfer-encoding" not in fields, repr(fields))
        link.sendall(b"\0\xff")
        link.shutdown(socket.SHUT_WR)
        rest = bytes(reader.buffer) + read_to_end(link)
        checks.equal("what followed the request comes back first, and is no request", b"GET / HTTP/1.1\r\n\r\n\0\xff", rest)
    for name, request in (
        ("without Connection: Upgrade", UPGRADE.replace(b"Connection: Upgrade\r\n", b"")),
        ("to another protocol", UPGRADE.replace(b"echo\r\n\r\n", b"tea\r\n\r\n")),
        ("in HTTP/1.0", UPGRADE.replace(b"1.1", b"1.0")),
    ):
        answer = talk(request, half_close=True)
        checks.check(f"an upgrade {name}: 426", answer.startswith(b"HTTP/1.1 426 ") and b"Upgrade: echo\r\n" in answer, repr(answer[:200]))
    # 200 of them, and each client gone without a word.
    for _ in range(200):
        link = connect(ADDRESS)
        link.sendall(UPGRADE + b"x" * 1000)
        Reader(link).head()
        reset(link)
    checks.check("200 resets behind a switch later it serves", talk(GET + b"Connection: close\r\n\r\n").endswith(b"Hello, World!"))


def reset(link):
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def resets():
    for _ in range(50):
        link = connect(ADDRESS)
        link.sendall(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
        Reader(link).head()
        reset(link)
        link = connect(ADDRESS)
        link.sendall(b"GET /bytes/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        Reader(link).head()
        reset(link)
        reset(connect(ADDRESS))
    start = time.monotonic()
    answer = talk(GET + b"Connection: close\r\n\r\n")
    took = (time.monotonic() - start) * 1e3
    checks.check(f"150 resets within bodies later it serves ({took:.1f} ms)", answer.endswith(b"Hello, World!"), repr(answer))


for part in (refused, late_fault, unusual_framing, tls, pipelining, expectations, closing, switching, resets):
    with checks.guard(part.__name__):
        part()
checks.leave()
