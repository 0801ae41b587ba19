// Node's https, and undici if UNDICI names its index.js, against `hearken echo` with TLS. Needs HEARKEN_URL (https) and
// HEARKEN_CA.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import tls from 'node:tls';
import { base, checks, host, port } from './harness.mjs';

const { check, leave } = checks('tls.mjs');
const ca = readFileSync(process.env.HEARKEN_CA);

async function request(options, body) {
  const req = https.request({ host, port, ca, ...options });
  const answered = once(req, 'response');
  req.end(body);
  const [res] = await answered;
  const socket = res.socket;
  const pieces = [];
  for await (const piece of res) pieces.push(piece);
  return { res, req, socket, body: Buffer.concat(pieces) };
}

/** A handshake, one exchange, and the session that came of it. */
async function visit(options) {
  const socket = tls.connect({ host, port, ca, servername: 'localhost', ...options });
  let session;
  socket.on('session', (ticket) => (session = ticket));
  await once(socket, 'secureConnect');
  const seen = { reused: socket.isSessionReused(), protocol: socket.getProtocol(), alpn: socket.alpnProtocol };
  socket.write('GET /plaintext HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const piece of socket) text += piece;
  assert.match(text, /^HTTP\/1\.1 200 [^]*Hello, World!$/);
  return { session, ...seen };
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  await check(`${version}: the session of the first connection is taken up by the second`, async () => {
    const only = { minVersion: version, maxVersion: version };
    const first = await visit(only);
    assert.deepEqual([first.protocol, first.reused], [version, false]);
    const second = await visit({ ...only, session: first.session });
    assert.deepEqual([second.protocol, second.reused], [version, true]);
  });
}

await check('an agent resumes by itself', async () => {
  const agent = new https.Agent({ keepAlive: false, maxCachedSessions: 10 });
  const reused = [];
  for (let i = 0; i < 4; i++) reused.push((await request({ path: '/plaintext', agent })).socket.isSessionReused());
  assert.deepEqual(reused, [false, true, true, true]);
});

await check('ALPN: http/1.1 of several; none if none is offered', async () => {
  assert.equal((await visit({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1');
  assert.equal((await visit({})).alpn, false);
});

await check('an authority that is not known is an error', async () => {
  await assert.rejects(request({ path: '/plaintext', ca: undefined, agent: false }), /certificate|issuer/);
});

await check('a keep-alive agent stays on one socket', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  for (let i = 0; i < 10; i++) ports.add(JSON.parse((await request({ path: '/ip', agent })).body).port);
  agent.destroy();
  assert.equal(ports.size, 1);
});

await check('bodies, small and large, come back', async () => {
  for (const size of [0, 1, 16_384, 16_385, 2_000_000]) {
    const sent = randomBytes(size);
    const { body } = await request({ method: 'POST', path: '/echo' }, sent);
    assert.ok(body.equals(sent), `${size}`);
  }
});

await check('a trailer comes', async () => {
  const { res } = await request({ path: '/trailers' });
  assert.match(res.trailers['content-digest'], /^sha-256=:/);
});

for (const path of ['/cut/5', '/cut/5?length=10']) {
  await check(`an answer that breaks off is an error: ${path}`, async () => {
    const req = https.get({ host, port, ca, path });
    const [res] = await once(req, 'response');
    res.resume();
    const [error] = await once(res, 'error');
    assert.deepEqual([error.code, res.complete], ['ECONNRESET', false]);
  });
}

await check('what is given up half-way, up and down, does no harm', async () => {
  for (let i = 0; i < 10; i++) {
    const up = https.request({ host, port, ca, method: 'POST', path: '/echo', headers: { 'Content-Length': 1_000_000 } });
    up.on('error', () => {});
    up.write('x'.repeat(1000));
    const [res] = await once(up, 'response');
    res.on('error', () => {});
    await once(res, 'data');
    const gone = new Promise((resolve) => up.once('close', resolve));
    up.destroy();
    await gone;
    const down = https.get({ host, port, ca, path: '/bytes/10000000' });
    down.on('error', () => {});
    const [big] = await once(down, 'response');
    big.on('error', () => {});
    big.destroy();
  }
  assert.equal((await request({ path: '/plaintext' })).body.toString(), 'Hello, World!');
});

if (process.env.UNDICI) {
  const { Pool } = createRequire(import.meta.url)(process.env.UNDICI);
  await check('undici: a pool of 4 over TLS, 100 requests', async () => {
    const pool = new Pool(base.origin, { connections: 4, connect: { ca } });
    const ports = await Promise.all(Array.from({ length: 100 }, async () => {
      const { body } = await pool.request({ path: '/ip', method: 'GET' });
      return (await body.json()).port;
    }));
    await pool.destroy();
    assert.ok(new Set(ports).size <= 4);
  });
} else {
  console.log('skip tls.mjs: undici: cannot be fetched');
}

leave();
