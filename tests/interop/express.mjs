// The same application for Express 5 (peers/express.mjs) and for Hearken (ours/src/app.rs): the same requests to both must have the
// same status, fields of meaning and content. Where we differ on purpose, a row of `DIFFERENT` has the reason, and our answer is
// checked by itself. Needs EXPRESS: a directory with the packages, and OURS_APP: our program.
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';
import zlib from 'node:zlib';

const TRUST = '127.0.0.1,10.0.0.0/8';
/** Fields of a response that are compared. Not: Date, Connection, Keep-Alive, X-Powered-By, and the value of ETag, whose hash is another. */
const FIELDS = ['content-type', 'content-length', 'location', 'allow', 'vary', 'set-cookie', 'link', 'content-disposition', 'cache-control',
  'content-range', 'accept-ranges', 'content-encoding', 'x-way', 'x-a', 'retry-after', 'www-authenticate', 'content-language',
  'last-modified', 'access-control-allow-origin', 'access-control-allow-methods', 'access-control-allow-headers', 'access-control-allow-credentials',
  'access-control-expose-headers', 'access-control-max-age', 'content-security-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy',
  'origin-agent-cluster', 'referrer-policy', 'strict-transport-security', 'x-content-type-options', 'x-dns-prefetch-control', 'x-download-options',
  'x-frame-options', 'x-permitted-cross-domain-policies', 'x-xss-protection'];

let failed = 0;
let passed = 0;
let differ = 0;

function fail(what, text) {
  failed += 1;
  if (failed <= 40) console.log(`FAIL express.mjs: ${what}: ${text.replace(/\s+/g, ' ').slice(0, 600)}`);
}

async function start(command, args, environment) {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'inherit'] });
  child.once('error', (error) => fail(command, String(error)));
  const [line] = await once(readline.createInterface({ input: child.stdout }), 'line');
  return { child, url: new URL(line) };
}

/** One exchange on a connection of its own. The path goes out as it is. */
function ask(server, { method = 'GET', path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const options = { host: server.url.hostname, port: server.url.port, method, path, headers: { connection: 'close', ...headers }, agent: false };
    const req = http.request(options, (res) => {
      const pieces = [];
      res.on('data', (piece) => pieces.push(piece));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(pieces) }));
      res.on('error', reject);
    });
    req.setTimeout(10_000, () => req.destroy(new Error('no answer after 10 s')));
    req.on('error', reject);
    req.end(body);
  });
}


/** What is compared. */
function meaning(response, server, reads) {
  const fields = {};
  for (const name of FIELDS) {
    let value = response.headers[name];
    if (value === undefined) continue;
    if (name === 'content-type') value = value.toLowerCase().replace(/^(application\/json); charset=utf-8$/, '$1');
    if (name === 'vary') value = value.toLowerCase().split(/ *, */).sort().join(', ');
    if (name === 'location') value = value.replaceAll(server.url.host, 'HOST');
    if (name === 'set-cookie') value = value.map((cookie) => cookie.replace(/Expires=[^;]*/, 'Expires=…').split('; ').sort().join('; ')).sort();
    fields[name] = value;
  }
  let content = response.body;
  const coding = response.headers['content-encoding'];
  if (coding && content.length) {
    content = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, deflate: zlib.inflateSync }[coding](content);
    delete fields['content-length'];
  }
  const etag = response.headers.etag;
  // Only a 200 to GET or HEAD has one here: no other can be revalidated. Express adds one to all.
  if (etag && response.status === 200 && reads) fields.etag = etag.startsWith('W/') ? 'weak' : 'strong';
  let body = content.toString('latin1').replaceAll(server.url.host, 'HOST');
  if (fields['content-type'] === 'application/json') {
    try {
      body = JSON.stringify(JSON.parse(content.toString('utf8')), sorted);
      delete fields['content-length']; // it depends on the order of names
    } catch { /* compared as it is */ }
  }
  return { status: response.status, ...fields, body };
}

/** The order of names in an object means nothing. */
function sorted(_, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const cases = [];
const add = (path, more = {}) => cases.push({ path, ...more });

const lines = (name) => fs.readFileSync(new URL(`express/${name}`, import.meta.url), 'utf8').split('\n').slice(0, -1);
lines('patterns.txt').forEach((pattern, number) => {
  for (const path of lines('paths.txt')) {
    add(`/p${number}${path}`, { about: `pattern ${pattern}` });
    add(`/s${number}${path}`, { about: `strict pattern ${pattern}` });
  }
});

for (const path of ['/early', '/in/1/base', '/in/1/base/', '/in/a%20b/base?q=1', '/in/1/items/5', '/in/1/items/none', '/in/1/skip', '/in/1/leave', '/in/1/nope',
  '/late', '/fails', '/rejects', '/nope']) add(`/order${path}`);

for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PURGE', 'QUERY']) {
  for (const path of ['/methods', '/any', '/put', '/nope', '/order/late']) add(path, { method });
}

for (const query of ['', '?', '?a=1', '?a=1&b=2', '?a=1&a=2', '?a', '?a=', '?=1', '?a=b=c', '?a=%20+', '?a=%zz', '?a=%E2%82%AC', '?a&&b', '?a[b]=1', '?a;b']) add(`/query${query}`);

for (const accept of [undefined, '*/*', 'text/html', 'application/json', 'text/*', 'text/plain;q=0.5, text/html;q=0.4', 'image/png', 'json', 'text/html;q=0',
  'TEXT/HTML', 'application/json;q=0.9,*/*;q=0.1', '', ';;;', 'text/html;level=1']) {
  add('/negotiate', { headers: accept === undefined ? {} : { accept } });
}
for (const language of ['de', 'de-AT', 'fr;q=0.5, en;q=0.9', '*', 'es', 'en;q=0']) add('/negotiate', { headers: { 'accept-language': language } });
for (const encoding of ['gzip', 'br, gzip', 'gzip;q=0.5, br;q=0.1', 'identity;q=0', '*;q=0', 'deflate', '*']) add('/negotiate', { headers: { 'accept-encoding': encoding } });

for (const forwarded of [undefined, '1.2.3.4', '1.2.3.4, 10.1.1.1', '1.2.3.4, 5.6.7.8', 'junk', '', '::1', '1.2.3.4, junk']) {
  add('/client', { headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } });
}
add('/client', { headers: { 'x-requested-with': 'XMLHttpRequest' } });

for (const code of [200, 201, 202, 203, 204, 205, 206, 300, 304, 400, 404, 410, 418, 429, 500, 501, 503, 599]) add(`/status/${code}`);
for (const code of [301, 302, 303, 307, 308]) {
  for (const to of ['/x', 'http://example.com/', '/a b', '//evil.example', '/%25', '/ä', 'x', '/a"b<c>']) add(`/redirect/${code}?to=${encodeURIComponent(to)}`);
}
add('/redirect/302?to=%2Fx', { headers: { accept: 'text/html' } });
add('/redirect/302?to=%2Fx', { headers: { accept: 'application/json' } });
add('/cookie');
for (const name of ['plain.txt', 'a b.pdf', 'ä.txt', '€ rates.txt', 'a"b.txt', 'dir/x.html', 'semi;colon', '%41.txt']) add(`/attachment?name=${encodeURIComponent(name)}`);
for (const path of ['/json', '/text', '/bytes', '/empty']) {
  add(path);
  add(path, { method: 'HEAD' });
  add(path, { headers: { 'if-none-match': '"nope"' } });
  add(path, { headers: { 'if-none-match': '*' } });
  add(path, { headers: { 'if-none-match': '<etag>' } });
  add(path, { headers: { 'if-none-match': '"x", <etag>' } });
  add(path, { headers: { 'if-none-match': '<etag>', 'cache-control': 'no-cache' } });
}

/** Where our answer is another on purpose: which requests, why, and what it must be. */
const DIFFERENT = JSON.parse(fs.readFileSync(new URL('express/different.json', import.meta.url), 'utf8'))
  .map((row) => ({ ...row, path: new RegExp(row.path), used: 0 }));

function difference(request, keys, express, ours) {
  return DIFFERENT.find((row) => row.path.test(request.path)
    && keys.every((key) => row.in.includes(key))
    && (row.method === undefined || row.method.split(' ').includes(request.method ?? 'GET'))
    && (row.header === undefined || request.headers?.[row.header] !== undefined)
    && (row.express === undefined || row.express === express.status)
    && Object.entries(row.ours).every(([name, value]) => String(ours[name] ?? '') === String(value)));
}

async function compare(express, ours, request) {
  const what = `${request.method ?? 'GET'} ${request.path} ${JSON.stringify(request.headers ?? {})}${request.about ? ` (${request.about})` : ''}`;
  const send = async (server) => {
    const headers = { ...request.headers };
    for (const [name, value] of Object.entries(headers)) {
      if (!value.includes('<etag>')) continue;
      const first = await ask(server, { ...request, headers: {} });
      headers[name] = value.replaceAll('<etag>', first.headers.etag ?? '"none"');
    }
    const reads = ['GET', 'HEAD'].includes(request.method ?? 'GET');
    return meaning(await ask(server, { ...request, headers }), server, reads);
  };
  try {
    const [theirs, mine] = await Promise.all([send(express), send(ours)]);
    if (JSON.stringify(theirs) === JSON.stringify(mine)) {
      passed += 1;
      return;
    }
    const keys = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])].filter((key) => JSON.stringify(theirs[key]) !== JSON.stringify(mine[key]));
    const row = difference(request, keys, theirs, mine);
    if (row) {
      row.used += 1;
      differ += 1;
      return;
    }
    fail(what, keys.map((key) => `${key}: Express ${JSON.stringify(theirs[key])}, ours ${JSON.stringify(mine[key])}`).join('; '));
  } catch (error) {
    fail(what, String(error));
  }
}

const express = await start(process.execPath, [new URL('peers/express.mjs', import.meta.url).pathname], { TRUST, NODE_ENV: 'production' });
const ours = await start(process.env.OURS_APP, [], { TRUST, HEARKEN_ENV: 'production' });
for (const request of cases) await compare(express, ours, request);
const known = cases.length;
if (passed + differ === known) console.log(`ok   express.mjs: ${known} requests: ${passed} answered as by Express 5, ${differ} differently for a reason that is given`);
for (const row of DIFFERENT) {
  if (row.used === 0) fail(`the reason ${row.why}`, 'no request needs it');
}
if (failed > 40) console.log(`FAIL express.mjs: and ${failed - 40} more`);
express.child.kill();
ours.child.stdin.end();
await Promise.race([once(ours.child, 'exit'), new Promise((resolve) => { setTimeout(resolve, 5_000); })]);
ours.child.kill('SIGKILL');
process.exit(failed ? 1 : 0);
