// Node's http on one event loop. Usage: node server.js PORT
'use strict';
const http = require('node:http');

const port = Number(process.argv[2]);
const KEEP_ALIVE_MS = 300_000; // longer than the idle row lasts; Node's default of 5 s would close its connections

// The same page as in peers/kit; the runner compares the bytes.
const page = {
  page: 1,
  items: Array.from({ length: 10 }, (_, n) => ({
    id: 1000 + n,
    name: `article ${n}`,
    price_cents: 1999 + n,
    in_stock: n % 2 === 0,
    tags: ['small', 'red'],
  })),
  note: '',
};
page.note = 'n'.repeat(1024 - Buffer.byteLength(JSON.stringify(page)));
const large = Buffer.alloc(1 << 20, 'x');

function answer(res, type, body) {
  res.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

function upload(req, res) {
  let bytes = 0;
  req.on('data', (chunk) => { bytes += chunk.length; });
  req.on('end', () => answer(res, 'text/plain', String(bytes)));
}

const server = http.createServer((req, res) => {
  switch (`${req.method} ${req.url}`) {
    case 'GET /plaintext': return answer(res, 'text/plain', 'Hello, World!');
    case 'GET /json': return answer(res, 'application/json', JSON.stringify(page));
    case 'GET /download': return answer(res, 'text/plain', large);
    case 'POST /upload': return upload(req, res);
    default: res.writeHead(404, { 'content-length': 0 }); return res.end();
  }
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen({ port, host: '127.0.0.1', backlog: 1024 });
