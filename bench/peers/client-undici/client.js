// undici, one Pool, pipelining 1. The same orders and the same lines as peers/client-kit.
// Usage: node client.js get|download|upload|json URL CONNECTIONS [seconds N|count N|show]...
'use strict';
const readline = require('node:readline');
const { Pool, request } = require('undici');

const USAGE = 'usage: client.js get|download|upload|json URL CONNECTIONS [seconds N|count N|show]...';
const EXPECTED_BYTES = { get: 13, download: 64 << 10, upload: 5, json: 1 << 10 };
const [kind, url, connectionsText, ...orders] = process.argv.slice(2);
const connections = Number(connectionsText);
if (!(kind in EXPECTED_BYTES) || !(connections > 0)) {
  console.error(USAGE);
  process.exit(1);
}
const { origin, pathname: path } = new URL(url);
const pool = new Pool(origin, { connections, pipelining: 1 });
const sent = Buffer.alloc(16 << 10, 'x');

// A Buffer, a string or, for `json`, the value: each is what a caller would ask for.
async function exchange() {
  switch (kind) {
    case 'get': {
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      return { status: statusCode, content: await body.text() };
    }
    case 'download': {
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      return { status: statusCode, content: await body.bytes() };
    }
    case 'upload': {
      const { statusCode, body } = await pool.request({ path, method: 'POST', body: sent });
      return { status: statusCode, content: await body.text() };
    }
    default: {
      const { statusCode, body } = await request(url, { dispatcher: pool });
      return { status: statusCode, content: await body.json() };
    }
  }
}

function length(content) {
  if (kind !== 'json') return content.length;
  return content.items.length === 10 ? EXPECTED_BYTES.json : 0;
}

function text(content) {
  if (kind === 'json') return JSON.stringify(content);
  return typeof content === 'string' ? content : Buffer.from(content).toString();
}

// One connection's loop; it ends at its first failed exchange, since the runner throws such a measurement away.
async function loop(goesOn, tally) {
  for (let done = 0; goesOn(done); done += 1) {
    try {
      const { status, content } = await exchange();
      const bytes = length(content);
      if (status !== 200 || bytes !== EXPECTED_BYTES[kind]) throw new Error(`status ${status} with ${bytes} bytes`);
      tally.requests += 1;
      tally.bytes += bytes;
    } catch (error) {
      tally.errors += 1;
      console.error(`exchange failed: ${error.message}`);
      return;
    }
  }
}

async function work(words) {
  const [order, value] = words;
  if (order === 'show') {
    const { status, content } = await exchange();
    return { status, content: text(content) };
  }
  const number = Number(value);
  if (!['seconds', 'count'].includes(order) || !Number.isInteger(number)) throw new Error(`no order: ${words.join(' ')}`);
  const started = performance.now();
  const tally = { requests: 0, errors: 0, bytes: 0 };
  const loops = Array.from({ length: connections }, (_, place) => {
    if (order === 'seconds') return loop(() => performance.now() - started < number * 1000, tally);
    const share = Math.floor(number / connections) + (place < number % connections ? 1 : 0);
    return loop((done) => done < share, tally);
  });
  await Promise.all(loops);
  return { ...tally, duration_us: Math.round((performance.now() - started) * 1000) };
}

async function* lines() {
  if (orders.length === 0) {
    for await (const line of readline.createInterface({ input: process.stdin })) yield line.trim().split(/\s+/);
    return;
  }
  for (let at = 0; at < orders.length; at += orders[at] === 'show' ? 1 : 2) yield orders.slice(at, at + 2);
}

async function main() {
  for await (const words of lines()) console.log(JSON.stringify(await work(words)));
  await pool.close();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
