
// The panel: each request as a row, which its steps fill in as they come.
const ROWS_MAX = 200;
const panel = document.getElementById("live");
const list = panel.querySelector("ol");
const state = panel.querySelector(".state");
const rows = new Map(); // those whose request has not ended, and those that are shown
let source = null;
let paused = false;
let lost = 0;

const NAMES = {
  Head: "request head",
  HandlerStart: "handler begins",
  FirstBodyByte: "first byte of the body",
  BodyEnd: "body received",
  Interim: "interim response",
  ResponseHead: "response head",
  HandlerEnd: "handler ends",
  FirstWrite: "first byte sent",
  HeadFlushed: "head sent",
  LastByteFlushed: "last byte sent",
  Upgraded: "switched protocols",
  Failed: "failed",
  Ended: "end",
};

function say(text, kind) {
  const more = lost === 0 ? "" : `; ${lost} too many to show`;
  state.textContent = text + more;
  state.className = `state ${kind}`;
}

const took = (ms) => (ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`);

function addRow(step) {
  const item = document.getElementById("row").content.firstElementChild.cloneNode(true);
  const find = (name) => item.querySelector(name);
  const row = { item, find, steps: [], method: step.method ?? "", target: step.target ?? "", fields: step.fields ?? [] };
  find(".when").textContent = new Date(step.at).toTimeString().slice(0, 8);
  find(".method").textContent = row.method || "–";
  find(".target").textContent = row.target || "not a request";
  find(".target").title = row.target;
  find(".peer").textContent = `from ${step.peer ?? "a local socket"}`;
  fill(find(".request"), row.fields);
  if (row.method) {
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(
      copyButton("Copy curl", () => again("curl", row)),
      copyButton("Copy hearken fetch", () => again("hearken fetch -v", row)),
    );
    find(".detail").append(tools);
  }
  find("details").addEventListener("toggle", () => drawSteps(row));
  rows.set(step.id, row);
  list.prepend(item);
  while (list.children.length > ROWS_MAX) {
    const last = list.lastElementChild;
    for (const [id, other] of rows) if (other.item === last) rows.delete(id);
    last.remove();
  }
  return row;
}

function fill(table, fields) {
  for (const [name, value] of fields) {
    const line = table.insertRow();
    const cell = document.createElement("th");
    cell.scope = "row";
    cell.textContent = name;
    line.append(cell);
    line.insertCell().textContent = value;
  }
}

// The request as a command. Its body is not in the panel, and secrets are masked.
function again(program, row) {
  const own = /^(host|connection|content-length|transfer-encoding|accept-encoding|expect|sec-fetch-.*)$/i;
  const words = [program];
  if (row.method === "HEAD") words.push("-I");
  else if (row.method !== "GET") words.push("-X", quoted(row.method));
  for (const [name, value] of row.fields) if (!own.test(name)) words.push("-H", quoted(`${name}: ${value}`));
  if (row.bytes > 0) words.push("--data-binary", "@body");
  const url = row.target.startsWith("/") ? location.origin + row.target : row.target;
  return [...words, quoted(url)].join(" ");
}

function drawSteps(row) {
  if (!row.find("details").open) return;
  const table = row.find(".steps");
  table.replaceChildren();
  const end = Math.max(...row.steps.map((step) => step.ms), 0.001);
  row.steps.forEach((step, at) => {
    const line = table.insertRow();
    line.insertCell().textContent = `${step.ms.toFixed(3)} ms`;
    const what = [NAMES[step.step] ?? step.step];
    if (step.bytes !== undefined && step.step !== "Ended") what.push(`${step.bytes} B`);
    if (step.step === "Interim") what.push(step.status);
    if (step.error ?? step.why) what.push(step.error ?? step.why);
    line.insertCell().textContent = what.join(", ");
    const track = document.createElement("div");
    const bar = document.createElement("i");
    const from = at === 0 ? 0 : row.steps[at - 1].ms;
    track.className = "track";
    bar.style.left = `${(99 * from) / end}%`;
    bar.style.width = `${(99 * Math.max(step.ms - from, 0)) / end}%`;
    track.append(bar);
    line.insertCell().append(track);
  });
}

function onStep(step) {
  const row = rows.get(step.id) ?? (step.at === undefined ? undefined : addRow(step));
  if (row === undefined) return;
  row.steps.push(step);
  const status = row.find(".status");
  if (step.step === "BodyEnd") row.bytes = step.bytes;
  if (step.step === "ResponseHead" || (step.step === "Failed" && status.textContent === "")) {
    status.textContent = step.status;
    status.className = `status s${Math.floor(step.status / 100)}`;
  }
  if (step.step === "ResponseHead") fill(row.find(".response"), step.fields);
  if (step.step === "Failed") row.find(".target").classList.add("failed");
  row.find(".took").textContent = took(step.ms);
  if (step.step === "LastByteFlushed" || step.step === "Ended") row.find(".size").textContent = bytes(step.bytes ?? 0);
  if (step.step === "Ended") {
    row.item.dataset.done = "";
    rows.delete(step.id);
  }
  drawSteps(row);
}

function connect() {
  if (source !== null || paused || document.hidden) return;
  source = new EventSource("/live");
  source.addEventListener("open", () => say("Live", "on"));
  source.addEventListener("step", (event) => onStep(JSON.parse(event.data)));
  source.addEventListener("lost", (event) => {
    const { steps = 0, requests = 0 } = JSON.parse(event.data);
    lost += steps + requests;
    say("Live", "on");
  });
  source.addEventListener("error", async () => {
    if (source?.readyState !== EventSource.CLOSED) return say("The server is away; trying again …", "off");
    disconnect();
    const answer = await fetch("/live?seconds=0").catch(() => undefined);
    say(answer === undefined || answer.ok ? "Not connected" : (await answer.text()).trim(), "off");
  });
}

function disconnect() {
  source?.close();
  source = null;
  rows.clear();
}

panel.querySelector("[data-live=pause]").addEventListener("click", (event) => {
  paused = !paused;
  event.target.textContent = paused ? "Resume" : "Pause";
  disconnect();
  if (paused) say("Paused", "");
  else connect();
});
panel.querySelector("[data-live=clear]").addEventListener("click", () => {
  list.replaceChildren();
  lost = 0;
  if (source !== null) say("Live", "on");
});
// A hidden page would take one of the few connections that a browser opens to a host.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) disconnect();
  else connect();
});
connect();
