// undici against `hearken echo`: what fetch does not show. Needs HEARKEN_URL, and UNDICI, the path of its index.js.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { base, checks } from './harness.mjs';

const { Client, Pool, RetryAgent, Agent, FormData, fetch, request } = createRequire(import.meta.url)(process.env.UNDICI);
const { check, leave } = checks('undici');
const origin = base.origin;

const bytesOf = async (body) => Buffer.from(await body.arrayBuffer());

/** A client on one connection, closed whatever happens. */
async function withClient(options, run) {
  const client = new Client(origin, options);
  try {
    return await run(client);
  } finally {
    await client.destroy();
  }
}

await check('50 requests on one connection', () => withClient({}, async (client) => {
  const ports = new Set();
  for (let i = 0; i < 50; i++) {
    const { statusCode, body } = await client.request({ path: '/ip', method: 'GET' });
    assert.equal(statusCode, 200);
    ports.add((await body.json()).port);
  }
  assert.equal(ports.size, 1);
}));

await check('pipelining: 10 requests in flight on one connection, answered in order', () =>
  withClient({ pipelining: 10 }, async (client) => {
    const order = [];
    const texts = await Promise.all(Array.from({ length: 30 }, async (_, i) => {
      const path = i % 5 === 1 ? '/delay/0.05' : `/echo/${i}`;
      const { body } = await client.request({ path, method: 'GET' });
      const text = await body.text();
      order.push(i);
      return text;
    }));
    assert.deepEqual(order, Array.from({ length: 30 }, (_, i) => i));
    texts.forEach((text, i) => assert.ok(i % 5 === 1 ? text.includes('delay') : text === String(i), `${i}: ${text}`));
  }));

await check('a pool of 8: 200 requests on no more connections than that', async () => {
  const pool = new Pool(origin, { connections: 8 });
  const ports = await Promise.all(Array.from({ length: 200 }, async () => {
    const { body } = await pool.request({ path: '/ip', method: 'GET' });
    return (await body.json()).port;
  }));
  await pool.destroy();
  assert.ok(new Set(ports).size <= 8, `${new Set(ports).size}`);
});

await check('a body of known length and one in chunks come back', () => withClient({}, async (client) => {
  const sent = randomBytes(300_000);
  const whole = await client.request({ path: '/echo', method: 'POST', body: sent });
  assert.equal(whole.headers['content-length'], '300000');
  assert.ok((await bytesOf(whole.body)).equals(sent));
  const chunked = await client.request({ path: '/echo', method: 'POST', body: Readable.from([sent.subarray(0, 7), sent.subarray(7)]) });
  assert.equal(chunked.headers['transfer-encoding'], 'chunked');
  assert.ok((await bytesOf(chunked.body)).equals(sent));
}));

await check('stream and pipeline: 8 MB go through', () => withClient({}, async (client) => {
  const sent = randomBytes(8 << 20);
  const hash = createHash('sha256');
  await client.stream({ path: '/echo', method: 'POST', body: Readable.from([sent]) }, () =>
    new Writable({ write: (piece, _, done) => (hash.update(piece), done()) }));
  assert.equal(hash.digest('hex'), createHash('sha256').update(sent).digest('hex'));
  const duplex = client.pipeline({ path: '/echo', method: 'POST' }, ({ body }) => body);
  const back = new PassThrough();
  let count = 0;
  back.on('data', (piece) => (count += piece.length));
  await pipeline(Readable.from([sent]), duplex, back);
  assert.equal(count, sent.length);
}));

await check('a form with a file comes back as it was sent', async (signal) => {
  const form = new FormData();
  form.append('name', 'ü');
  form.append('file', new Blob([randomBytes(10_000)]), 'noise.bin');
  const res = await fetch(new URL('/echo', base), { method: 'POST', body: form, signal });
  assert.match(res.headers.get('content-type'), /^multipart\/form-data; boundary=/);
  const back = await res.formData();
  assert.equal(back.get('name'), 'ü');
  assert.equal(back.get('file').size, 10_000);
});

await check('Expect: the body goes up after 100 Continue', () => withClient({}, async (client) => {
  const { statusCode, body } = await client.request({ path: '/echo', method: 'POST', body: 'x'.repeat(100_000), expectContinue: true });
  assert.equal(statusCode, 200);
  assert.equal((await body.text()).length, 100_000);
}));

await check('a trailer is read', () => withClient({}, async (client) => {
  const { body, trailers } = await client.request({ path: '/trailers', method: 'GET' });
  const content = await bytesOf(body);
  const digest = createHash('sha256').update(content).digest('base64');
  assert.equal(trailers['content-digest'], `sha-256=:${digest}:`);
}));

await check('HEAD, 204, 304 and 404 leave the connection in step', () => withClient({ pipelining: 4 }, async (client) => {
  const asked = [['HEAD', '/bytes/1000'], ['GET', '/status/204'], ['GET', '/status/304'], ['GET', '/nowhere'], ['GET', '/plaintext']];
  const got = await Promise.all(asked.map(async ([method, path]) => {
    const { statusCode, body } = await client.request({ method, path });
    return [statusCode, (await body.text()).length > 0];
  }));
  assert.deepEqual(got, [[200, false], [204, false], [304, false], [404, true], [200, true]]);
}));

for (const path of ['/cut/5', '/cut/5?length=10']) {
  await check(`an answer that breaks off is an error: ${path}`, () => withClient({}, async (client) => {
    const { body } = await client.request({ path, method: 'GET' });
    await assert.rejects(body.text(), { code: /UND_ERR_SOCKET|ECONNRESET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH/ });
    const after = await client.request({ path: '/plaintext', method: 'GET' });
    assert.equal(await after.body.text(), 'Hello, World!');
  }));
}

await check('an upload that fails half-way ends its exchange; the client goes on', () => withClient({}, async (client) => {
  async function* failing() {
    yield 'x'.repeat(1000);
    throw new Error('no more');
  }
  const body = Readable.from(failing());
  await assert.rejects(async () => {
    const answer = await client.request({ path: '/echo', method: 'POST', body });
    await answer.body.text();
  });
  const { body: after } = await client.request({ path: '/plaintext', method: 'GET' });
  assert.equal(await after.text(), 'Hello, World!');
}));

await check('20 answers that are given up half-way', () => withClient({}, async (client) => {
  for (let i = 0; i < 20; i++) {
    const { body } = await client.request({ path: '/bytes/20000000', method: 'GET' });
    await once(body, 'readable');
    const closed = new Promise((resolve) => body.once('close', resolve));
    body.on('error', () => {}); // emitted by `destroy`
    body.destroy();
    await closed;
  }
  const { body } = await client.request({ path: '/plaintext', method: 'GET' });
  assert.equal(await body.text(), 'Hello, World!');
}));

await check('102 and 103 are received, then 200', () => withClient({}, async (client) => {
  const seen = [];
  const onInfo = ({ statusCode, headers }) => seen.push([statusCode, headers.link]);
  const { statusCode, body } = await client.request({ path: '/information', method: 'GET', onInfo });
  assert.match(await body.text(), /102 and 103/);
  assert.deepEqual([statusCode, seen], [200, [[102, undefined], [103, '</plaintext>; rel=preload; as=fetch']]]);
}));

await check('upgrade: bytes go to and fro', () => withClient({}, async (client) => {
  const { headers, socket } = await client.upgrade({ path: '/upgrade/echo', protocol: 'echo' });
  assert.equal(headers.upgrade, 'echo');
  socket.end('there and back');
  let text = '';
  for await (const piece of socket) text += piece;
  assert.equal(text, 'there and back');
}));

await check('a signal ends an answer that has not begun', async () => {
  const abort = new AbortController();
  const asked = request(`${origin}/delay/10`, { signal: abort.signal });
  setImmediate(() => abort.abort());
  await assert.rejects(asked, { name: 'AbortError' });
  const { body } = await request(`${origin}/plaintext`);
  assert.equal(await body.text(), 'Hello, World!');
});

await check('its time limits strike on a slow head and a slow body, and not on slow progress', async () => {
  await withClient({ headersTimeout: 200 }, (client) =>
    assert.rejects(client.request({ path: '/delay/10', method: 'GET' }), { code: 'UND_ERR_HEADERS_TIMEOUT' }));
  await withClient({ bodyTimeout: 200 }, async (client) => {
    const { body } = await client.request({ path: '/drip?duration=10&numbytes=2', method: 'GET' });
    await assert.rejects(body.text(), { code: 'UND_ERR_BODY_TIMEOUT' });
  });
  await withClient({ bodyTimeout: 2000 }, async (client) => {
    const { body } = await client.request({ path: '/drip?duration=2.5&numbytes=20', method: 'GET' });
    assert.equal((await body.text()).length, 20);
  });
});

await check('an agent that retries takes 503 for what it is', async () => {
  const agent = new RetryAgent(new Agent(), { maxRetries: 2, minTimeout: 1, maxTimeout: 2 });
  await assert.rejects(async () => {
    const { statusCode } = await request(`${origin}/status/503`, { dispatcher: agent });
    assert.equal(statusCode, 200);
  });
  await agent.close();
});

await check('the response says Connection: close when the request does', () => withClient({}, async (client) => {
  const { headers, body } = await client.request({ path: '/ip', method: 'GET', reset: true });
  assert.equal(headers.connection, 'close');
  const first = (await body.json()).port;
  const next = await client.request({ path: '/ip', method: 'GET' });
  assert.notEqual((await next.body.json()).port, first);
}));

leave();
