// A server of Node's http, or https with CERT and KEY, for clients: node node.mjs [CERT KEY]. Prints its URL, alone on one
// line. SOCKET=PATH listens on a Unix socket instead and prints the path; KEEP_ALIVE_MS closes idle connections after so long.
// Its endpoints are those of `hearken echo` that clients need, and these, which report what the server sees:
//   /connections   how many connections came so far, as JSON; with TLS also how many of them resumed a session; how many
//                  requests and responses broke off
//   /endless       an answer without an end
//   /quiet         an answer that does not say how long the connection is kept
//   /drop          closes the connection, unless this is the first request on it
//   /information   102, 103 with a Link, then 200
//   /refuse        417 to `Expect: 100-continue`, the body unread; everywhere else 100 Continue comes
// `Upgrade: echo` is answered 101, then bytes come back. CONNECT opens a tunnel, to this machine alone.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

const [, , cert, key] = process.argv;
const counted = { connections: 0, resumed: 0, brokenRequests: 0, brokenResponses: 0 };

const whole = (res, status, content, type = 'text/plain') => {
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(content) });
  res.end(content);
};
const json = (res, value) => whole(res, 200, JSON.stringify(value), 'application/json');

const ENDPOINTS = {
  '/plaintext': (req, res) => whole(res, 200, 'Hello, World!'),
  '/json': (req, res) => json(res, { message: 'Hello, World!' }),
  '/headers': (req, res) => json(res, { rawHeaders: req.rawHeaders, url: req.url }),
  '/ip': (req, res) => json(res, { origin: req.socket.remoteAddress, port: req.socket.remotePort }),
  '/method': (req, res) => json(res, { method: req.method }),
  '/connections': (req, res) => json(res, counted),
  '/quiet': (req, res) => {
    res.setHeader('Connection', 'keep-alive'); // Node adds Keep-Alive only to a Connection field that it sets itself
    whole(res, 200, 'quiet');
  },
  '/drop': (req, res) => (req.socket.served > 1 ? req.socket.destroy() : whole(res, 200, 'the first one here')),
  '/endless': (req, res) => {
    const piece = Buffer.alloc(65_536, 'x');
    const more = () => {
      while (!res.destroyed && res.write(piece));
    };
    res.on('drain', more);
    more();
  },
  '/refuse': (req, res) => whole(res, 200, 'sent without waiting'),
  '/information': (req, res) => {
    res.writeProcessing();
    res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    whole(res, 200, 'informed');
  },
  '/trailers': async (req, res) => {
    let bytes = 0;
    for await (const piece of req) bytes += piece.length;
    const content = JSON.stringify({ trailers: req.rawTrailers, bytes });
    res.writeHead(200, { 'Content-Type': 'application/json', Trailer: 'Content-Digest' });
    res.write(content);
    res.addTrailers({ 'Content-Digest': `sha-256=:${createHash('sha256').update(content).digest('base64')}:` });
    res.end();
  },
  '/echo': (req, res, text) => {
    if (req.method !== 'POST') return whole(res, 200, decodeURIComponent(text));
    const head = { 'Content-Type': req.headers['content-type'] ?? 'application/octet-stream' };
    if (req.headers['content-length']) head['Content-Length'] = req.headers['content-length'];
    res.writeHead(200, head);
    req.pipe(res);
  },
  '/status': (req, res, code) => {
    res.statusCode = Number(code);
    res.end([204, 304].includes(Number(code)) ? undefined : `${code}\n`);
  },
  '/bytes': (req, res, n) => whole(res, 200, Buffer.alloc(Number(n), 'x'), 'application/octet-stream'),
  '/stream': (req, res, n) => {
    for (let id = 0; id < Number(n); id++) res.write(`${JSON.stringify({ id })}\n`);
    res.end();
  },
  '/delay': (req, res, seconds) => setTimeout(() => json(res, { delay: Number(seconds) }), 1000 * Number(seconds)),
  // In chunks, or with `?length`; closes the connection when the bytes are sent.
  '/cut': (req, res, n, query) => {
    const length = query.get('length');
    res.writeHead(200, length ? { 'Content-Length': length } : {});
    res.write('*'.repeat(Number(n)), () => res.socket.destroy());
  },
};

function answer(req, res) {
  req.socket.served = (req.socket.served ?? 0) + 1;
  req.on('close', () => (counted.brokenRequests += req.complete ? 0 : 1));
  res.on('close', () => (counted.brokenResponses += res.writableEnded ? 0 : 1));
  const { pathname, searchParams } = new URL(req.url, 'http://a');
  const [, first, ...rest] = pathname.split('/');
  const endpoint = ENDPOINTS[`/${first}`];
  if (endpoint) endpoint(req, res, rest.join('/'), searchParams);
  else whole(res, 404, 'nothing here\n');
}

const server = cert ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }) : http.createServer();
server.on('request', answer);
server.on('checkContinue', (req, res) => {
  if (req.url === '/refuse') return whole(res, 417, 'no');
  res.writeContinue();
  answer(req, res);
});
server.on('upgrade', (req, socket, head) => {
  socket.on('error', () => {}); // the client has disconnected
  if (req.headers.upgrade !== 'echo') return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.write(head);
  socket.pipe(socket);
});
server.on('connect', (req, socket, head) => {
  socket.on('error', () => {});
  const [, host, port] = /^(.*):(\d+)$/.exec(req.url) ?? [];
  if (!['127.0.0.1', 'localhost'].includes(host)) {
    return socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }
  const onward = net.connect(Number(port), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    onward.write(head);
    onward.pipe(socket);
    socket.pipe(onward);
  });
  onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'));
});
server.on(cert ? 'secureConnection' : 'connection', (socket) => {
  counted.connections += 1;
  if (cert && socket.isSessionReused()) counted.resumed += 1;
});
const { SOCKET, KEEP_ALIVE_MS } = process.env;
if (KEEP_ALIVE_MS) server.keepAliveTimeout = Number(KEEP_ALIVE_MS);
if (SOCKET) server.listen(SOCKET, () => console.log(SOCKET));
else server.listen(0, '127.0.0.1', () => console.log(`${cert ? 'https' : 'http'}://127.0.0.1:${server.address().port}`));
