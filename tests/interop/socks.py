"""`hearken fetch` through SOCKS5 proxies and HTTP proxies that this script is, by the variables of the environment. Needs HEARKEN
(the binary) and HEARKEN_URL. curl goes the same ways, where it is installed: both must ask the proxy for the same."""

import contextlib
import ipaddress
import os
import shutil
import socket
import socketserver
import subprocess
import threading

from harness import Checks, address_from_environment

checks = Checks("socks")
BINARY = os.environ.get("HEARKEN", "target/release/hearken")
HOST, PORT = address_from_environment()
CLEAN = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def copy(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Socks(socketserver.StreamRequestHandler):
    """RFC 1928 with RFC 1929. Connects to the server of the test, whatever it is asked for, and notes what that was."""

    def take(self, count):
        taken = self.rfile.read(count)
        if len(taken) < count:
            raise EOFError
        return taken

    def handle(self):
        with contextlib.suppress(EOFError, ConnectionError):
            self.talk()

    def talk(self):
        version, count = self.take(2)
        methods = self.take(count)
        if version != 5:
            return
        login = self.server.login
        method = (2 if 2 in methods else 255) if login else 0
        self.wfile.write(bytes([5, method]))
        if method == 255:
            return
        who = ""
        if login:
            self.take(1)
            user = self.take(self.take(1)[0]).decode()
            password = self.take(self.take(1)[0]).decode()
            who = f" as {user}:{password}"
            self.wfile.write(bytes([1, (user, password) != login]))
            if (user, password) != login:
                return
        kind = self.take(4)[3]
        if kind == 3:
            host = "name " + self.take(self.take(1)[0]).decode()
        else:
            host = str(ipaddress.ip_address(self.take(4 if kind == 1 else 16)))
        self.take(2)
        self.server.asked.append(host + who)
        if self.server.reply:
            self.wfile.write(bytes([5, self.server.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        with socket.create_connection((HOST, PORT), timeout=10) as out:
            bound = out.getsockname()
            self.wfile.write(b"\x05\0\0\x01" + socket.inet_aton(bound[0]) + bound[1].to_bytes(2, "big"))
            back = threading.Thread(target=copy, args=(out, self.connection))
            back.start()
            copy(self.connection, out)
            back.join()


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, login=None, reply=0):
        super().__init__(("127.0.0.1", 0), Socks)
        self.login, self.reply, self.asked = login, reply, []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, scheme, login=""):
        return f"{scheme}://{login}127.0.0.1:{self.server_address[1]}"


def fetch(url, **variables):
    """Exit code, stdout and stderr of our client."""
    done = subprocess.run(
        [BINARY, "fetch", url], env={**CLEAN, **variables}, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr


def curl(url, **variables):
    done = subprocess.run(
        ["curl", "-sS", "-m", "10", url], env={**CLEAN, **variables}, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr


def through():
    for scheme, host, login, asked in [
        ("socks5", HOST, None, HOST),
        ("socks5", "app.localhost", None, None),
        ("socks5h", "far.test", None, "name far.test"),
        ("socks5h", "far.test", ("us:er", "p@ss"), "name far.test as us:er:p@ss"),
        ("socks5h", HOST, None, HOST),
        ("socks5", "[::1]", None, "::1"),
    ]:
        for client in [fetch] + ([curl] if shutil.which("curl") else []):
            what = f"{client.__name__} of {host} by {scheme}{' with a password' if login else ''}"
            with checks.guard(what), Proxy(login) as proxy:
                text = "us%3Aer:p%40ss@" if login else ""
                code, out, errors = client(f"http://{host}:{PORT}/plaintext", http_proxy=proxy.url(scheme, text))
                if checks.check(what, (code, out.strip()) == (0, "Hello, World!"), f"{code} {out!r} {errors!r}") and asked:
                    checks.equal(f"{what}: what the proxy is asked for", [asked], proxy.asked)


def refused():
    with Proxy(reply=5) as proxy:
        code, _, errors = fetch(f"http://far.test:{PORT}/", all_proxy=proxy.url("socks5h"))
        checks.check("a refusal is named", code == 97 and "SOCKS5 reply 5" in errors, f"{code} {errors}")
    with Proxy(login=("a", "b")) as proxy:
        code, _, errors = fetch(f"http://far.test:{PORT}/", ALL_PROXY=proxy.url("socks5h", "a:secret@"))
        good = code == 97 and "rejects user and password" in errors and "secret" not in errors
        checks.check("a wrong password is named, and not shown", good, f"{code} {errors}")


def misread():
    for variable, value in [
        ("http_proxy", "socks4://us:secret@127.0.0.1:1"),
        ("HTTP_PROXY", "ftp://127.0.0.1:1"),
        ("all_proxy", "not a URL"),
        ("ALL_PROXY", "http://127.0.0.1:99999"),
    ]:
        code, out, errors = fetch(f"http://{HOST}:{PORT}/plaintext", **{variable: value})
        good = code != 0 and out == "" and f"the variable {variable} has" in errors and "secret" not in errors
        checks.check(f"{variable}={value.replace('us:secret@', '')} fails before anything is sent", good, f"{code} {out} {errors}")
    code, out, errors = fetch(f"http://{HOST}:{PORT}/plaintext", http_proxy="socks4://p:1", no_proxy=HOST)
    checks.check("an excepted host does not mind", code == 0 and out.strip() == "Hello, World!", f"{code} {errors}")
    for scheme in ("http", "socks5", "socks5h"):
        code, _, errors = fetch(f"http://{HOST}:{PORT}/", http_proxy=f"{scheme}://127.0.0.1:1")
        good = code == 7 and "connecting to the proxy 127.0.0.1:1 of http_proxy failed" in errors
        checks.check(f"a dead {scheme} proxy is named with its variable", good, f"{code} {errors}")


for step in (through, refused, misread):
    with checks.guard(step.__name__):
        step()
checks.leave()
