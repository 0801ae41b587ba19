// Drives Chromium through its debugging pipe (JSON messages, each ended by a NUL). Checks what the page of `hearken echo` can
// fetch under its own policy, what its buttons do, and that the curl commands under them work. browser.sh starts it with
// the flags. Needs HEARKEN_URL. Writes screenshots to the directory HEARKEN_SHOTS, if set.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SECONDS_MAX = 25; // for everything
const url = new URL(process.env.HEARKEN_URL);
let failed = false;

const browser = spawn('chromium', [...process.argv.slice(2), '--remote-debugging-pipe', 'about:blank'], {
  stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
});
const [, , , orders, reports] = browser.stdio;
const waiting = new Map();
const complaints = []; // blocked by the policy, exceptions
let last = 0;
let buffer = '';

reports.setEncoding('utf8');
reports.on('data', (text) => {
  const messages = (buffer + text).split('\0');
  buffer = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) {
    const entry = message.params?.entry;
    // A status of 400 and above is logged too, as an error of the network; buttons ask for some.
    if (message.method === 'Log.entryAdded' && entry.level === 'error' && entry.source !== 'network') complaints.push(entry.text);
    if (message.method === 'Runtime.exceptionThrown') complaints.push(message.params.exceptionDetails.text);
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
  for (const domain of ['Page', 'Log', 'Runtime']) await order(`${domain}.enable`, {}, sessionId);
  const { errorText } = await order('Page.navigate', { url: url.href }, sessionId);
  if (errorText) throw new Error(errorText);
  // `navigate` returns before the new document is loaded.
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
  commands(await evaluate("[...document.querySelectorAll('.curl')].map((line) => line.textContent)", sessionId));
  await buttons(sessionId);
}

/** Runs the commands of the page in a shell, as a user who copies them does. */
function commands(lines) {
  if (spawnSync('curl', ['--version']).error) {
    console.log('skip browser: the commands of the page: curl is not installed');
    return;
  }
  const cwd = mkdtempSync(join(tmpdir(), 'interop-'));
  // curl exits with 18, "partial file", after a truncated response.
  const expected = (line) => (line.includes('/cut/') ? 18 : 0);
  const failing = lines.filter((line) =>
    spawnSync('bash', ['-c', line], { cwd, timeout: 5000, stdio: 'ignore' }).status !== expected(line));
  rmSync(cwd, { recursive: true });
  equal(`the ${Object.keys(SHOWN).length} curl commands of the page run`, [Object.keys(SHOWN).length, []], [lines.length, failing]);
}

// The status and a part of the body that a click on each button must show.
const SHOWN = {
  '/echo/{text}': ['200 OK', 'Hello, World!'],
  '/echo': ['200 OK', '{"hearken": "and answer"}'],
  '/headers': ['200 OK', '"Host"'],
  '/ip': ['200 OK', '"origin": "127.0.0.1"'],
  '/user-agent': ['200 OK', 'Mozilla'],
  '/method': ['200 OK', '"method": "PATCH"'],
  '/status/{code}': ["418 I'm a teapot", '418'],
  '/bytes/{n}': ['200 OK', '000000  '],
  '/plaintext': ['200 OK', 'Hello, World!'],
  '/json': ['200 OK', '{"message":"Hello, World!"}'],
  '/stream/{n}': ['200 OK', '"id":4'],
  '/delay/{seconds}': ['200 OK', '"delay": 1.5'],
  '/drip': ['200 OK', '*'.repeat(40)],
  '/trailers': ['200 OK', '"trailers": {}'],
  '/cut/{n}': ['200 OK', ''], // Chromium drops the partial content when the connection closes early
  '/information': ['200 OK', 'this is what 102 and 103 came before'],
  '/upgrade/echo': ['426 Upgrade Required', 'expected the fields'],
  '/': ['200 OK', '<!doctype html>'],
};

/** Clicks every button of the page, all at once, and looks at what is shown. */
async function buttons(session) {
  const forms = await evaluate(
    `(async () => {
      const forms = [...document.forms];
      for (const form of forms) form.querySelector('button').click();
      while (forms.some((form) => !form.dataset.done)) await new Promise((next) => requestAnimationFrame(next));
      const shown = (form) => ['.status strong', 'pre'].map((part) => form.querySelector(part).textContent);
      return Object.fromEntries(forms.map((form) => [form.dataset.path, shown(form)]));
    })()`,
    session,
  );
  equal('the page has a button for each endpoint', Object.keys(SHOWN).sort(), Object.keys(forms).sort());
  for (const [path, [status, text]] of Object.entries(SHOWN)) {
    const [got, body = ''] = forms[path] ?? [];
    equal(`the button of ${path} shows its answer`, [status, text], [got, body.includes(text) ? text : body.slice(0, 100)]);
  }
  const stopped = await evaluate(
    `(async () => {
      const form = document.querySelector('form[data-path="/drip"]');
      form.elements.duration.value = '10';
      delete form.dataset.done;
      form.querySelector('button').click();
      while (!form.querySelector('pre')?.textContent) await new Promise((next) => requestAnimationFrame(next));
      form.querySelector('button').click();
      while (!form.dataset.done) await new Promise((next) => requestAnimationFrame(next));
      return form.querySelector('.time').textContent;
    })()`,
    session,
  );
  equal('a second click stops', 'Stopped', stopped);
  equal('the page does nothing that its own policy forbids', [], complaints);
  if (process.env.HEARKEN_SHOTS) await pictures(process.env.HEARKEN_SHOTS, session);
}

/** The whole page with its answers, light and dark. */
async function pictures(directory, session) {
  mkdirSync(directory, { recursive: true });
  for (const value of ['light', 'dark']) {
    await order('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] }, session);
    const { data } = await order('Page.captureScreenshot', { captureBeyondViewport: true }, session);
    writeFileSync(`${directory}/page-${value}.png`, Buffer.from(data, 'base64'));
  }
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
