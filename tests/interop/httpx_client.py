"""httpx, sync and async, against `hearken echo`. Needs HEARKEN_URL and httpx; tests/interop/run fetches it."""

import asyncio
import json
import os

import httpx

from harness import Checks

URL = os.environ["HEARKEN_URL"]
checks = Checks("httpx")
LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1)


def client(**more):
    return httpx.Client(base_url=URL, timeout=15, trust_env=False, **more)


def one_connection():
    with client(limits=LIMITS) as link:
        ports = {link.get("/ip").json()["port"] for _ in range(30)}
        checks.equal("30 requests on one connection", 1, len(ports))
        payload = os.urandom(500_000)
        answer = link.post("/echo", content=payload, headers={"Content-Type": "x/y"})
        checks.check("POST with a length", answer.content == payload, f"{answer}, {len(answer.content)} bytes")
        checks.equal("and its content type", "x/y", answer.headers["Content-Type"])
        pieces = [os.urandom(size) for size in (1, 10, 70_000)]
        answer = link.post("/echo", content=iter(pieces), headers={"Content-Type": "x/y"})
        good = answer.content == b"".join(pieces) and answer.headers.get("Transfer-Encoding") == "chunked"
        checks.check("POST in chunks", good, f"{answer} {answer.headers}")
        answer = link.head("/plaintext")
        checks.equal("HEAD", (200, "13", b""), (answer.status_code, answer.headers["Content-Length"], answer.content))
        answer = link.get("/stream/100")
        lines = [json.loads(line)["id"] for line in answer.iter_lines()]
        checks.equal("gzip is undone", ("gzip", list(range(100))), (answer.headers.get("Content-Encoding"), lines))
        statuses = [link.request(*asked).status_code for asked in (("PUT", "/json"), ("GET", "/nowhere"), ("GET", "/status/204"))]
        checks.equal("405, 404 and 204", [405, 404, 204], statuses)
        answer = link.get("/trailers")
        checks.equal("a trailer does no harm", {"trailers": {}, "bytes": 0}, answer.json())
        answer = link.post("/echo", data={"a": "1 2", "b": "ü"})
        checks.equal("a form", b"a=1+2&b=%C3%BC", answer.content)
        ports.add(link.get("/ip").json()["port"])
        checks.equal("all that on the same connection", 1, len(ports))


def streams():
    with client() as link:
        with link.stream("GET", "/stream/20", headers={"Accept-Encoding": "identity"}) as answer:
            pieces = list(answer.iter_raw())
        checks.equal("lines come as they are sent", 20, len(b"".join(pieces).splitlines()))
        answer = link.get("/information")
        checks.equal("102 and 103 are passed over", (200, "this is what 102 and 103 came before\n"), (answer.status_code, answer.text))
        with link.stream("GET", "/bytes/20000000?seed=7") as answer:
            count = sum(len(piece) for piece in answer.iter_bytes())
        checks.equal("20 MB, piece by piece", 20_000_000, count)


def broken_off():
    for how, path in (("in chunks", "/cut/5"), ("with a length", "/cut/5?length=10")):
        with client() as link:
            try:
                got = repr(link.get(path))
            except (httpx.RemoteProtocolError, httpx.ReadError) as error:
                got = type(error)
        checks.check(f"an answer {how} that breaks off is an error", isinstance(got, type), got)

    def failing():
        yield b"x" * 1000
        raise RuntimeError("no more")

    with client(limits=LIMITS) as link:
        try:
            got = repr(link.post("/echo", content=failing()))
        except RuntimeError:
            got = "given up"
        checks.equal("an upload that fails half-way", "given up", got)
        with link.stream("GET", "/bytes/20000000") as answer:
            next(answer.iter_bytes())
        checks.equal("and an answer that is left half-way; then the server goes on", 200, link.get("/plaintext").status_code)
        try:
            got = link.get("/delay/10", timeout=0.2)
        except httpx.ReadTimeout:
            got = "read timeout"
        checks.equal("an answer that takes too long is given up", "read timeout", got)
        checks.equal("and the next one comes", 200, link.get("/plaintext").status_code)


async def at_a_time():
    async with httpx.AsyncClient(base_url=URL, timeout=15, trust_env=False) as link:
        numbers = [str(number) for number in range(100)]
        answers = await asyncio.gather(*(link.get(f"/echo/{number}") for number in numbers))
        checks.equal("100 at a time", numbers, [answer.text for answer in answers])

        async def pieces():
            for _ in range(50):
                yield b"x" * 10_000
                await asyncio.sleep(0)

        bodies = await asyncio.gather(*(link.post("/echo", content=pieces()) for _ in range(10)))
        checks.equal("10 uploads at a time, in chunks", [500_000] * 10, [len(answer.content) for answer in bodies])
        tasks = [asyncio.create_task(link.get("/delay/10")) for _ in range(20)]
        await link.get("/plaintext")
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        good = all(isinstance(end, asyncio.CancelledError) for end in ends)
        checks.check("20 that are cancelled", good, repr(ends[:3]))
        checks.equal("and the server goes on", "Hello, World!", (await link.get("/plaintext")).text)


for part in (one_connection, streams, broken_off, lambda: asyncio.run(at_a_time())):
    with checks.guard(part.__name__):
        part()
checks.leave()
