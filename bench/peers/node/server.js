// Node's http on one event loop. Usage: node server.js PORT
'use strict';
const http = require('node:http');
const page = require('./page.js');

const port = Number(process.argv[2]);
const KEEP_ALIVE_MS = 300_000; // longer than the idle row lasts; Node's default of 5 s would close its connections

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
