// Drives Chromium through its debugging pipe (JSON messages, each ended by a NUL). Checks what the page of `hearken echo` can
// fetch under its own policy, what its buttons do, that the curl commands under them work, and what its live panel shows, with a
// screenshot. browser.sh starts it with the flags. Needs HEARKEN_URL. Writes screenshots to the directory HEARKEN_SHOTS, if set.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SECONDS_MAX = 40; // for everything
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
  '/anything': ['200 OK', '"more": "1"'],
  '/anything/{path}': ['200 OK', '"q": "1"'],
  '/redirect/{n}': ['200 OK', '/anything"'],
  '/redirect-to': ['200 OK', '"from": "here"'],
  '/cookies': ['200 OK', '"cookies"'],
  '/cookies/set': ['200 OK', '"theme": "dark"'],
  '/cookies/set/{name}/{value}': ['200 OK', '"cookies"'],
  '/cookies/delete': ['200 OK', '"cookies"'],
  '/basic-auth/{user}/{password}': ['200 OK', '"user": "ada"'],
  '/bearer': ['200 OK', '"token": "token"'],
  '/range/{n}': ['206 Partial Content', '636465'.match(/../g).join(' ')],
  '/etag/{tag}': ['304 Not Modified', ''],
  '/cache': ['200 OK', '"cached"'],
  '/cache/{seconds}': ['200 OK', '"max-age": 60'],
  '/sse': ['200 OK', 'id: 3'],
  '/live': ['200 OK', 'event: step'],
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
  await livePanel(session);
  equal('the page does nothing that its own policy forbids', [], complaints);
  if (process.env.HEARKEN_SHOTS) await pictures(process.env.HEARKEN_SHOTS, session);
}

/** The live panel: rows that come while requests are made, their steps, their commands, and a picture of it. */
async function livePanel(session) {
  const state = () => evaluate("document.querySelector('#live .state').textContent", session);
  equal('the panel is live', true, (await state()).startsWith('Live'));
  await evaluate("document.querySelector('[data-live=clear]').click()", session);
  const made = await evaluate(
    `(async () => {
      const secret = { Authorization: 'Basic ' + btoa('ada:geheim'), 'X-Api-Key': 'geheim' };
      await fetch('/echo/first?token=geheim', { headers: secret }).then((answer) => answer.text());
      await fetch('/echo', { method: 'POST', body: 'second' }).then((answer) => answer.text());
      await fetch('/status/503');
      const rows = () => [...document.querySelectorAll('#live li')];
      const done = () => rows().filter((row) => 'done' in row.dataset);
      while (done().length < 3) await new Promise((next) => setTimeout(next, 20));
      for (const row of rows()) row.querySelector('details').open = true;
      await new Promise((next) => setTimeout(next, 50));
      const text = (row, part) => row.querySelector(part).textContent;
      return rows().reverse().map((row) => ({
        line: ['.method', '.target', '.status'].map((part) => text(row, part)),
        steps: [...row.querySelectorAll('.steps tr')].map((step) => [...step.cells].slice(0, 2).map((cell) => cell.textContent)),
        buttons: [...row.querySelectorAll('button')].map((button) => button.textContent),
        all: row.textContent,
      }));
    })()`,
    session,
  );
  equal('the panel lists the requests as they come', [
    ['GET', '/echo/first?token=***', '200'], ['POST', '/echo', '200'], ['GET', '/status/503', '503'],
  ], made.map((row) => row.line));
  const steps = made[1]?.steps ?? [];
  const wanted = ['request head', 'handler begins', 'body received, 6 B', 'response head', 'head sent', 'last byte sent', 'end'];
  equal('the panel shows the steps', [], wanted.filter((name) => !steps.some(([, step]) => step.startsWith(name))));
  const times = steps.map(([time]) => Number.parseFloat(time));
  equal('the times of the steps never go back', [...times].sort((a, b) => a - b), times);
  equal('the steps have times of their own', true, new Set(times).size > 3);
  equal('the panel has copy buttons', ['Copy curl', 'Copy hearken fetch'], made[0]?.buttons);
  equal('the panel masks secrets', [], made.filter((row) => /geheim|YWRhOmdlaGVpbQ/.test(row.all)).map((row) => row.line));
  const commands = await evaluate(
    `(async () => {
      const copied = [];
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => copied.push(text) } });
      for (const button of document.querySelectorAll('#live li:last-child button')) button.click();
      await new Promise((next) => setTimeout(next, 20));
      return copied;
    })()`,
    session,
  );
  equal('the copy buttons copy commands', ['curl', 'hearken fetch -v'], commands.map((text) => text.split(' -H ')[0]));
  const { data } = await picture(session, '#live');
  const { width, height, colours } = await measure(data, session);
  // An empty or unstyled panel has one colour, or is a few lines high.
  equal('a screenshot of the panel has its rows', [true, true, true], [width > 600, height > 200, colours > 20]);
  if (process.env.HEARKEN_SHOTS) {
    mkdirSync(process.env.HEARKEN_SHOTS, { recursive: true });
    writeFileSync(`${process.env.HEARKEN_SHOTS}/panel.png`, Buffer.from(data, 'base64'));
  }
}

/** A picture of one element. */
async function picture(session, selector) {
  const box = await evaluate(
    `(() => { const box = document.querySelector('${selector}').getBoundingClientRect();
      return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, scale: 1 }; })()`,
    session,
  );
  return order('Page.captureScreenshot', { clip: box, captureBeyondViewport: true }, session);
}

/** Size and number of colours of a PNG, decoded by the browser. */
async function measure(data, session) {
  return evaluate(
    `(async () => {
      const bytes = Uint8Array.from(atob('${data}'), (c) => c.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
      return { width: image.width, height: image.height, colours: new Set(pixels).size };
    })()`,
    session,
  );
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
