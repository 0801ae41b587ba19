// Node's fetch and http against `hearken echo`: node >= 20, nothing from npm. Needs HEARKEN_URL.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { base, checks, host, port, request } from './harness.mjs';

const { check, leave } = checks('client.mjs');

await check('fetch: text and JSON', async (signal) => {
  const text = await fetch(new URL('/plaintext', base), { signal });
  assert.equal(text.status, 200);
  assert.equal(await text.text(), 'Hello, World!');
  const json = await fetch(new URL('/json', base), { signal });
  assert.deepEqual(await json.json(), { message: 'Hello, World!' });
});

await check('fetch: POST with a length comes back', async (signal) => {
  const body = randomBytes(300_000);
  const res = await fetch(new URL('/echo', base), { method: 'POST', body, headers: { 'content-type': 'a/b' }, signal });
  assert.equal(res.headers.get('content-type'), 'a/b');
  assert.ok(Buffer.from(await res.arrayBuffer()).equals(body));
});

await check('fetch: POST of a stream comes back', async (signal) => {
  const pieces = [randomBytes(10), randomBytes(100_000), randomBytes(1)];
  const body = Readable.toWeb(Readable.from(pieces));
  const res = await fetch(new URL('/echo', base), { method: 'POST', body, duplex: 'half', signal });
  assert.ok(Buffer.from(await res.arrayBuffer()).equals(Buffer.concat(pieces)));
});

await check('fetch: gzip is undone, whole', async (signal) => {
  const res = await fetch(new URL('/stream/100', base), { signal });
  assert.equal(res.headers.get('content-encoding'), 'gzip');
  assert.equal((await res.text()).trimEnd().split('\n').length, 100);
});

await check('fetch: 404, 204, HEAD, DELETE', async (signal) => {
  const got = [];
  for (const [method, path] of [['GET', '/nowhere'], ['GET', '/status/204'], ['HEAD', '/json'], ['DELETE', '/method']]) {
    const res = await fetch(new URL(path, base), { method, signal });
    got.push(res.status, method === 'DELETE' ? (await res.json()).method : (await res.text()).length > 0);
  }
  assert.deepEqual(got, [404, true, 204, false, 200, false, 200, 'DELETE']);
});

await check('fetch: 100 at a time', async (signal) => {
  const numbers = Array.from({ length: 100 }, (_, i) => String(i));
  const texts = await Promise.all(
    numbers.map(async (i) => (await fetch(new URL(`/echo/${i}`, base), { signal })).text()),
  );
  assert.deepEqual(texts, numbers);
});

await check('http.request: a keep-alive agent stays on one socket', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  for (let i = 0; i < 10; i++) {
    const { res, req, body } = await request({ path: '/ip', agent });
    assert.equal(res.statusCode, 200);
    assert.equal(req.reusedSocket, i > 0);
    ports.add(JSON.parse(body).port);
  }
  agent.destroy();
  assert.equal(ports.size, 1);
});

await check('http.request: HEAD has a length and no body', async () => {
  const { res, body } = await request({ method: 'HEAD', path: '/plaintext' });
  assert.equal(res.headers['content-length'], '13');
  assert.equal(body.length, 0);
});

await check('http.request: pieces come back as they go', async () => {
  const req = http.request({ host, port, method: 'POST', path: '/echo' });
  const answered = once(req, 'response');
  const pieces = ['first', 'second', 'third'];
  req.write(pieces[0]);
  const [res] = await answered; // before the upload has ended
  res.setEncoding('latin1');
  let got = '';
  let next = 1;
  for await (const text of res) {
    got += text;
    if (got.length < pieces.slice(0, next).join('').length) continue;
    if (next < pieces.length) req.write(pieces[next++]);
    else req.end();
  }
  assert.equal(got, pieces.join(''));
  assert.ok(res.complete);
});

await check('http.request: Expect brings 100 Continue before the answer', async () => {
  const seen = [];
  const { body } = await request(
    { method: 'POST', path: '/echo', headers: { Expect: '100-continue', 'Content-Length': 5 } },
    (req) => {
      req.on('response', () => seen.push('response'));
      req.on('continue', () => {
        seen.push('continue');
        req.end('hello');
      });
      req.flushHeaders();
    },
  );
  assert.deepEqual(seen, ['continue', 'response']);
  assert.equal(body.toString(), 'hello');
});

await check('http.request: an upload that is aborted ends the exchange, not the server', async () => {
  const req = http.request({ host, port, method: 'POST', path: '/echo', headers: { 'Content-Length': 1_000_000 } });
  const answered = once(req, 'response');
  req.write('x'.repeat(1000));
  const [res] = await answered;
  await once(res, 'data');
  const errors = [];
  req.on('error', (error) => errors.push(error.code));
  res.on('error', (error) => errors.push(error.code));
  const closed = once(req, 'close');
  req.destroy();
  await closed;
  assert.equal(res.complete, false);
  assert.equal((await request({ path: '/plaintext' })).body.toString(), 'Hello, World!');
});

await check('fetch: an answer that is aborted ends the exchange, not the server', async () => {
  const abort = new AbortController();
  const res = await fetch(new URL('/drip?duration=10&numbytes=1000', base), { signal: abort.signal });
  const reader = res.body.getReader();
  await reader.read();
  abort.abort();
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
  assert.equal((await request({ path: '/plaintext' })).body.toString(), 'Hello, World!');
});

await check('http.request: a big answer, read slowly, is whole', async () => {
  const req = http.get({ host, port, path: '/bytes/20000000?seed=7' });
  const [res] = await once(req, 'response');
  let bytes = 0;
  res.on('data', (piece) => {
    bytes += piece.length;
    res.pause();
    setImmediate(() => res.resume());
  });
  await once(res, 'end');
  assert.equal(bytes, 20_000_000);
});

await check('net: pipelined requests are answered in order', async (signal) => {
  const socket = net.connect({ host, port, signal });
  const paths = ['/echo/one', '/delay/0.2', '/echo/two', '/status/404', '/echo/three'];
  const last = paths.length - 1;
  socket.write(paths.map((path, i) =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\n${i === last ? 'Connection: close\r\n' : ''}\r\n`).join(''));
  let text = '';
  for await (const piece of socket) text += piece;
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));
  assert.deepEqual(statuses, [200, 200, 200, 404, 200]);
  const order = ['one', '"delay"', 'two', '404', 'three'].map((word) => text.indexOf(word));
  assert.deepEqual(order, [...order].sort((a, b) => a - b));
  assert.ok(order.every((at) => at >= 0), `${order}`);
});

await check('http.request: a client that gives up waiting does no harm', async () => {
  const req = http.get({ host, port, path: '/delay/10', timeout: 100 });
  await once(req, 'timeout');
  req.on('error', () => {});
  const closed = new Promise((resolve) => req.once('close', resolve));
  req.destroy();
  await closed;
  assert.equal((await request({ path: '/plaintext' })).body.toString(), 'Hello, World!');
});

await check('http.request: trailers go up, and one comes down', async () => {
  const { res, body } = await request({ method: 'POST', path: '/trailers', headers: { Trailer: 'X-Sum, X-More' } }, (req) => {
    req.write('hello ');
    req.addTrailers([['X-Sum', '7'], ['X-More', 'a'], ['x-more', 'b']]);
    req.end('world');
  });
  assert.deepEqual(JSON.parse(body), { trailers: { 'X-Sum': '7', 'X-More': ['a', 'b'] }, bytes: 11 });
  const digest = createHash('sha256').update(body).digest('base64');
  assert.deepEqual(res.trailers, { 'content-digest': `sha-256=:${digest}:` });
  assert.deepEqual(res.rawTrailers, ['Content-Digest', `sha-256=:${digest}:`]);
  assert.ok(res.complete);
});

for (const [how, path] of [['in chunks', '/cut/5'], ['with a length', '/cut/5?length=10']]) {
  await check(`http.request: an answer ${how} that breaks off is an error, not an end`, async () => {
    const req = http.get({ host, port, path });
    const [res] = await once(req, 'response');
    let got = '';
    res.on('data', (piece) => (got += piece));
    const [error] = await once(res, 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.deepEqual([res.complete, got], [false, '*****']);
  });
}

await check('fetch: an answer that breaks off is an error, not an end', async (signal) => {
  const res = await fetch(new URL('/cut/5?length=10', base), { signal });
  await assert.rejects(res.text(), /terminated/);
});

await check('http.request: one socket through uploads, refusals, 404s and chunks', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const sent = [['POST', '/echo', 'x'.repeat(100_000)], ['PUT', '/json', 'x'.repeat(1000)], ['GET', '/nowhere'],
    ['GET', '/stream/3'], ['HEAD', '/bytes/1000'], ['POST', '/trailers', 'x'], ['GET', '/status/304'], ['GET', '/echo/']];
  const ports = new Set();
  const statuses = [];
  for (const [method, path, body] of sent) {
    const { res, req } = await request({ method, path, agent }, (req) => req.end(body));
    statuses.push(res.statusCode);
    ports.add(req.socket?.localPort ?? res.socket.localPort);
  }
  agent.destroy();
  assert.deepEqual(statuses, [200, 405, 404, 200, 200, 200, 304, 200]);
  assert.equal(ports.size, 1);
});

await check('http.request: an unknown expectation is 417', async () => {
  const { res } = await request({ path: '/plaintext', headers: { Expect: 'tea' } });
  assert.equal(res.statusCode, 417);
});

await check('http.request: 102 and 103 with its Link, then 200', async () => {
  const seen = [];
  const { res } = await request({ path: '/information' }, (req) => {
    req.on('information', ({ statusCode, headers }) => seen.push([statusCode, headers.link]));
    req.end();
  });
  assert.deepEqual(seen, [[102, undefined], [103, '</plaintext>; rel=preload; as=fetch']]);
  assert.equal(res.statusCode, 200);
});

await check('http.request: an upgrade, and bytes both ways behind it', async () => {
  const req = http.request({ host, port, path: '/upgrade/echo', headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
  req.end();
  const [res, socket, head] = await once(req, 'upgrade');
  assert.deepEqual([res.statusCode, res.headers.upgrade, head.length], [101, 'echo', 0]);
  const sent = randomBytes(1_000_000);
  socket.end(sent);
  const pieces = [];
  for await (const piece of socket) pieces.push(piece);
  assert.ok(Buffer.concat(pieces).equals(sent));
});

await check('http.request: an upgrade to what is not there is an answer', async () => {
  const { res, body } = await request({ path: '/upgrade/echo', headers: { Connection: 'Upgrade', Upgrade: 'tea' } });
  assert.deepEqual([res.statusCode, res.headers.upgrade], [426, 'echo']);
  assert.match(body.toString(), /Upgrade: echo/);
});

leave();
