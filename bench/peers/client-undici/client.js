// undici, one Pool, pipelining 1. Arguments and checks as in peers/kit/src/client.rs.
'use strict';
const { Pool, request } = require('undici');

const [exchange, port, connections, count = Infinity] = process.argv.slice(2);
const [origin, path] = [`http://127.0.0.1:${port}`, `/${exchange}`];
const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const sent = Buffer.alloc(16 << 10, 'x');
const expected = {
  plaintext: 'Hello, World!',
  medium: 'x'.repeat(64 << 10),
  upload: String(sent.length),
  json: JSON.stringify(require('../node/page.js')),
}[exchange];

// A Buffer, a string or, for `json`, the value: the form that a caller would ask for.
async function exchangeOnce() {
  if (exchange === 'json') {
    const { statusCode, body } = await request(origin + path, { dispatcher: pool });
    return [statusCode, await body.json()];
  }
  const options = exchange === 'upload' ? { path, method: 'POST', body: sent } : { path, method: 'GET' };
  const { statusCode, body } = await pool.request(options);
  return [statusCode, exchange === 'medium' ? await body.bytes() : await body.text()];
}

function text(content) {
  if (exchange === 'json') return JSON.stringify(content);
  return typeof content === 'string' ? content : Buffer.from(content).toString();
}

async function loop() {
  for (let place = 0; place < count; place += 1) {
    const [status, content] = await exchangeOnce();
    const whole = exchange === 'json' ? content.items.length === 10 : content.length === expected.length;
    if (status !== 200 || !whole || (place === 0 && text(content) !== expected)) {
      throw new Error(`a wrong response: status ${status}`);
    }
  }
}

Promise.all(Array.from({ length: connections }, loop)).then(() => pool.close(), (error) => {
  console.error(error.message);
  process.exit(1);
});
