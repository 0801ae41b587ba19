"""A server of Python's http.server, or the same under ssl with CERT and KEY, for clients: python.py [CERT KEY]

Prints its URL, alone on one line. Endpoints as `hearken echo` has them, as far as clients need them, and /connections: how
many connections came so far. /old is answered by HTTP/1.0, without a length.
"""

import http.server
import json
import ssl
import sys
import threading
import urllib.parse

counted = {"connections": 0, "resumed": 0}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def setup(self):
        super().setup()
        with lock:
            counted["connections"] += 1
            counted["resumed"] += bool(getattr(self.connection, "session_reused", False))

    def do_GET(self):
        path, _, query = self.path.partition("?")
        first, _, rest = path[1:].partition("/")
        name = getattr(self, f"get_{first}", None)
        if name is None:
            return self.whole(b"nothing here\n", status=404)
        return name(urllib.parse.unquote(rest), dict(urllib.parse.parse_qsl(query)))

    do_HEAD = do_DELETE = do_OPTIONS = do_GET

    def do_POST(self):
        body = self.body()
        if self.path == "/echo":
            return self.whole(body, self.headers.get("Content-Type", "application/octet-stream"))
        return self.whole(b"nothing here\n", status=404)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def whole(self, content, kind="text/plain", status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def get_plaintext(self, *_):
        self.whole(b"Hello, World!")

    def get_echo(self, text, _):
        self.whole(text.encode())

    def get_connections(self, *_):
        with lock:
            self.whole(json.dumps(counted).encode(), "application/json")

    def get_headers(self, *_):
        self.whole(json.dumps(self.headers.items()).encode(), "application/json")

    def get_bytes(self, n, _):
        self.whole(b"x" * int(n), "application/octet-stream")

    def get_stream(self, n, _):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(int(n)):
            line = b'{"id":%d}\n' % number
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def get_old(self, *_):
        """Content without a length, ended by closing the connection, as in HTTP/1.0."""
        self.protocol_version = "HTTP/1.0"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"as long as it lasts")
        self.close_connection = True

    def get_cut(self, n, query):
        self.send_response(200)
        self.send_header("Content-Length", query.get("length", "1000000"))
        self.end_headers()
        self.wfile.write(b"*" * int(n))
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tls):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls

    def finish_request(self, request, client_address):
        """Runs in the connection's own thread: a handshake must not block the others."""
        if self.tls:
            request.settimeout(20)
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self.tls:
            request.close()

    def handle_error(self, *_):
        """Ignored: tests disconnect clients on purpose."""


tls = None
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])
server = Server(tls)
print(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
