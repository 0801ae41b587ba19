"use strict";
const SHOWN_MAX = 32768; // characters of a body that are shown; the rest is only counted

// The request of a form: method, path with query, body and its type.
function request(form) {
  const fields = Object.fromEntries(new FormData(form));
  const path = form.dataset.path.replaceAll(/{(\w+)}/g, (_, name) => encodeURIComponent(fields[name]));
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("[data-header]")) if (input.value !== "") headers[input.name] = input.value;
  if (fields.type !== undefined) headers["Content-Type"] = fields.type;
  for (const input of form.querySelectorAll("[data-query]")) if (input.value !== "") query.set(input.name, input.value);
  return {
    method: fields.method ?? form.dataset.method,
    url: query.size ? `${path}?${query}` : path,
    body: fields.body,
    headers,
    user: form.dataset.auth === "basic" ? `${fields.user}:${fields.password}` : undefined,
    follow: "follow" in form.dataset,
    cookies: "cookies" in form.dataset,
  };
}

const quoted = (text) => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

// The words behind `curl` or `hearken fetch`, which have the same flags.
function command(program, asked) {
  const words = [program];
  if (asked.method === "HEAD") words.push("-I");
  else if (asked.method !== "GET" && asked.body === undefined) words.push("-X", asked.method);
  if (asked.follow) words.push("-L");
  if (asked.cookies) words.push("-b", "''");
  if (asked.user !== undefined) words.push("-u", quoted(asked.user));
  for (const [name, value] of Object.entries(asked.headers)) words.push("-H", quoted(`${name}: ${value}`));
  if (asked.body !== undefined) words.push("--data-binary", quoted(asked.body));
  if (/^\/(bytes|range)\//.test(asked.url)) words.push("-o", "bytes.bin");
  return [...words, quoted(location.origin + asked.url)].join(" ");
}

// A small button that copies a text and says so.
function copyButton(label, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = label;
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

// The clipboard needs https or a loopback address; elsewhere a selection is copied.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function bytes(count) {
  if (count < 1024) return `${count} bytes`;
  return count < 1048576 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1048576).toFixed(1)} MiB`;
}

// The first bytes as a hex dump.
function dump(piece) {
  const lines = [];
  for (let at = 0; at < Math.min(piece.length, 256); at += 16) {
    const row = [...piece.slice(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

// Adds an empty section for the response to a form, in the place of the last one.
function addSection(form) {
  form.querySelector(".answer")?.remove();
  const part = document.getElementById("answer").content.firstElementChild.cloneNode(true);
  form.append(part);
  const find = (name) => part.querySelector(name);
  return { status: find("strong"), time: find(".time"), size: find(".size"), headers: find("table"), body: find("pre") };
}

function showHead(shown, response, started) {
  const { status, statusText, headers } = response;
  shown.status.textContent = `${status} ${statusText}`;
  shown.status.className = `s${Math.floor(status / 100)}`;
  shown.time.textContent = `${Math.round(performance.now() - started)} ms to the head`;
  for (const [name, value] of headers) {
    const row = shown.headers.insertRow();
    const cell = document.createElement("th");
    cell.scope = "row";
    cell.textContent = name;
    row.append(cell);
    row.insertCell().textContent = value;
  }
}

async function showBody(shown, response) {
  const binary = (response.headers.get("content-type") ?? "").startsWith("application/octet-stream");
  const decoder = new TextDecoder();
  let count = 0;
  const show = (text) => {
    const room = SHOWN_MAX - shown.body.textContent.length;
    if (room > 0) shown.body.append(text.slice(0, room));
  };
  for (let reader = response.body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!binary) show(decoder.decode(value, { stream: true }));
    else if (count === 0) show(dump(value));
    count += value.length;
    shown.size.textContent = bytes(count);
  }
  if (!binary) show(decoder.decode());
  shown.size.textContent = bytes(count);
}

const running = new WeakMap();

async function send(form) {
  const asked = request(form);
  const abort = new AbortController();
  running.set(form, abort);
  const button = form.querySelector("button");
  button.textContent = "Stop";
  button.className = "stop";
  const shown = addSection(form);
  shown.status.textContent = "…";
  const started = performance.now();
  try {
    const headers = asked.user === undefined ? asked.headers : { ...asked.headers, Authorization: `Basic ${btoa(asked.user)}` };
    const redirect = asked.follow ? "follow" : "manual";
    const options = { method: asked.method, body: asked.body, headers, signal: abort.signal, cache: "no-store", redirect };
    const response = await fetch(asked.url, options);
    showHead(shown, response, started);
    const head = shown.time.textContent;
    await showBody(shown, response);
    shown.time.textContent = `${head}, ${Math.round(performance.now() - started)} ms in all`;
  } catch (error) {
    const reason = abort.signal.aborted ? "Stopped" : `No response: ${error.message}`;
    if (shown.status.textContent === "…") shown.status.textContent = reason;
    else shown.time.textContent = reason;
  }
  running.delete(form);
  button.textContent = "Send";
  button.className = "";
  form.dataset.done = asked.url;
}

for (const form of document.forms) {
  const button = form.querySelector("button");
  const title = form.querySelector("h3");
  title.id = `path${[...document.forms].indexOf(form)}`;
  button.setAttribute("aria-describedby", title.id);
  const line = document.createElement("div");
  line.className = "curl";
  const update = () => (line.textContent = command("curl", request(form)));
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.append(
    copyButton("Copy curl", () => command("curl", request(form))),
    copyButton("Copy hearken fetch", () => command("hearken fetch", request(form))),
  );
  form.append(line, tools);
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (running.has(form)) running.get(form).abort();
    else send(form);
  });
  update();
}
