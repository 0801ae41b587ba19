// Node's http.request: a response that comes before the end of the request is not lost. Needs HEARKEN_URL.
import { Buffer } from 'node:buffer';
import http from 'node:http';
import { checks, host, port } from './harness.mjs';

const TIMES = 6;
const { check, leave } = checks('early.mjs');

/** The status of the response to an upload, written at once or in pieces. */
function upload(path, bytes, headers, inPieces) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host, port, method: 'POST', path, headers, agent: false }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode));
      res.on('error', reject);
    });
    req.on('error', reject);
    if (!inPieces) {
      req.end(Buffer.alloc(bytes, '.'));
      return;
    }
    let left = bytes;
    const more = () => {
      while (left > 0) {
        const size = Math.min(left, 65_536);
        left -= size;
        if (!req.write(Buffer.alloc(size, '.'))) return void req.once('drain', more);
      }
      req.end();
    };
    more();
  });
}

for (const megabytes of [3, 20]) {
  const bytes = megabytes * 1_000_000;
  for (const [name, path, headers, inPieces, status] of [
    ['404', '/nowhere', { 'Content-Length': bytes }, false, 404],
    ['404 in pieces', '/nowhere', { 'Content-Length': bytes }, true, 404],
    ['404 in chunks', '/nowhere', {}, true, 404],
    ['404, Connection: close', '/nowhere', { 'Content-Length': bytes, Connection: 'close' }, true, 404],
    ['405', '/plaintext', { 'Content-Length': bytes }, false, 405],
  ]) {
    await check(`${name} to ${megabytes} MB, ${TIMES} times`, async () => {
      for (let time = 0; time < TIMES; time += 1) {
        const got = await upload(path, bytes, headers, inPieces);
        if (got !== status) throw new Error(`${got}`);
      }
    });
  }
}
leave();
