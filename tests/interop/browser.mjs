// Drives Chromium through its debugging pipe (messages in JSON, each ended by a NUL): what the page of `hearken echo` can
// fetch under its own policy. Started by browser.sh, which gives the flags. Needs HEARKEN_URL.
import { spawn } from 'node:child_process';

const SECONDS_MAX = 25; // for everything
const url = new URL(process.env.HEARKEN_URL);
let failed = false;

const browser = spawn('chromium', [...process.argv.slice(2), '--remote-debugging-pipe', 'about:blank'], {
  stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
});
const [, , , orders, reports] = browser.stdio;
const waiting = new Map();
let last = 0;
let buffer = '';

reports.setEncoding('utf8');
reports.on('data', (text) => {
  const messages = (buffer + text).split('\0');
  buffer = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) {
    const waits = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) waits?.reject(new Error(message.error.message));
    else waits?.resolve(message.result);
  }
});

function order(method, params = {}, sessionId = undefined) {
  const id = ++last;
  orders.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

const { promise: late, reject: giveUp } = (() => {
  let reject;
  return { promise: new Promise((_, no) => (reject = no)), reject: (error) => reject(error) };
})();
const timer = setTimeout(() => giveUp(new Error(`not done after ${SECONDS_MAX} s`)), SECONDS_MAX * 1000);
browser.on('error', giveUp);
browser.on('exit', (code) => giveUp(new Error(`chromium left with ${code}`)));

/** Runs text as the page would, and waits for its promise. */
async function evaluate(expression, session) {
  const params = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await order('Runtime.evaluate', params, session);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

function equal(name, expected, got) {
  const good = JSON.stringify(expected) === JSON.stringify(got);
  failed ||= !good;
  const detail = `: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
  console.log(good ? `ok   browser: ${name}` : `FAIL browser: ${name}${detail.slice(0, 400)}`);
}

async function run() {
  const { targetId } = await order('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await order('Target.attachToTarget', { targetId, flatten: true });
  await order('Page.enable', {}, sessionId);
  const { errorText } = await order('Page.navigate', { url: url.href }, sessionId);
  if (errorText) throw new Error(errorText);
  // `navigate` answers when the new document is there, not when it is read.
  await evaluate(
    "document.readyState === 'complete' || new Promise((done) => addEventListener('load', () => done(true)))",
    sessionId,
  );
  equal('the page is that of the server', url.origin, await evaluate('location.origin', sessionId));
  const post = (body) => `fetch('/echo', { method: 'POST', body: ${body} }).then((answer) => answer.text())`;
  equal('fetch of the page: POST comes back', 'a ü', await evaluate(post("'a ü'"), sessionId));
  equal('fetch of the page: 1 MB comes back', 1_000_000, await evaluate(`${post("'x'.repeat(1e6)")}.then((text) => text.length)`, sessionId));
  equal('fetch of the page: 6 at a time, 60 in all', Array.from({ length: 60 }, (_, i) => `${i}`), await evaluate(
    "Promise.all(Array.from({ length: 60 }, (_, i) => fetch('/echo/' + i).then((answer) => answer.text())))",
    sessionId,
  ));
  equal('fetch of the page: a stream is read piece by piece, gzip undone', 20, await evaluate(
    "fetch('/stream/20').then((answer) => answer.text()).then((text) => text.trim().split('\\n').length)",
    sessionId,
  ));
  equal('HTML that is echoed is plain text, and stays so', ['text/plain', 'nosniff'], await evaluate(
    `fetch('/echo/' + encodeURIComponent('<script>1</script>')).then((answer) =>
      [answer.headers.get('content-type').split(';')[0], answer.headers.get('x-content-type-options')])`,
    sessionId,
  ));
}

try {
  await Promise.race([run(), late]);
} catch (error) {
  failed = true;
  console.log(`FAIL browser: fetch of the page: ${String(error.message).replace(/\s+/g, ' ').slice(0, 400)}`);
}
clearTimeout(timer);
browser.removeAllListeners('exit');
const gone = new Promise((resolve) => browser.once('exit', resolve));
if (browser.exitCode === null && browser.signalCode === null) {
  orders.write(`${JSON.stringify({ id: ++last, method: 'Browser.close' })}\0`);
  const kill = setTimeout(() => browser.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(kill);
}
process.exit(failed ? 1 : 0);
