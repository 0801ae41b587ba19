// What the scripts of Node share: checks, and where the server is. Not here: any check. Needs HEARKEN_URL.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import http from 'node:http';

export const base = new URL(process.env.HEARKEN_URL);
export const host = base.hostname.replace(/^\[|\]$/g, '');
export const port = Number(base.port);

const SECONDS_MAX = 15; // for one check

/** Returns `check(what, run)`, which prints a line as tests/interop/run counts them, and `leave()`, the last call of a script. */
export function checks(name) {
  let failed = false;
  async function check(what, run) {
    const abort = new AbortController();
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        abort.abort();
        reject(new Error(`not done after ${SECONDS_MAX} s`));
      }, SECONDS_MAX * 1000);
    });
    try {
      await Promise.race([run(abort.signal), late]);
      console.log(`ok   ${name}: ${what}`);
    } catch (error) {
      failed = true;
      console.log(`FAIL ${name}: ${what}: ${String(error?.message ?? error).replace(/\s+/g, ' ').slice(0, 400)}`);
    } finally {
      clearTimeout(timer);
    }
  }
  return { check, leave: () => process.exit(failed ? 1 : 0) };
}

/** One exchange with http.request; the body is whatever is written by `send`. */
export async function request(options, send = (req) => req.end()) {
  const req = http.request({ host, port, ...options });
  const answered = once(req, 'response');
  send(req);
  const [res] = await answered;
  const pieces = [];
  for await (const piece of res) pieces.push(piece);
  return { res, req, body: Buffer.concat(pieces) };
}
