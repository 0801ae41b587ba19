// Checks that docs/node-http.md is complete: each member of the six classes and the modules of the installed Node must stand
// in the first column of a table. Not counted: names with an underscore, which are internal, and the general members of
// streams and emitters.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import stream from "node:stream";
import { EventEmitter } from "node:events";

const page = fs.readFileSync(new URL("../../docs/node-http.md", import.meta.url), "utf8");
const documented = new Set();
let inside = false;
for (const line of page.split("\n")) {
  const cell = line.startsWith("|") ? line.split("|")[1].trim() : "";
  inside = line.startsWith("|") && (inside || cell === "Node");
  if (!inside) continue;
  for (const [, code] of cell.matchAll(/`([^`]*)`/g)) {
    for (const [word] of code.matchAll(/[A-Za-z_]+/g)) documented.add(word);
  }
}

const members = (...objects) => {
  const names = new Set();
  for (const object of objects) {
    for (const name of Object.getOwnPropertyNames(object)) names.add(name);
  }
  return names;
};
const general = members(
  EventEmitter.prototype,
  EventEmitter,
  stream.Stream.prototype,
  stream.Readable.prototype,
  stream.Writable.prototype,
  net.Server.prototype,
  Object.prototype,
  Function.prototype,
  new EventEmitter(),
  new stream.Readable(),
  new stream.Writable(),
);
// General members that Node's documentation of http describes.
for (const name of ["destroy", "pause", "resume", "write", "end", "cork", "uncork", "close", "listen", "address", "ref", "unref"]) {
  general.delete(name);
}

const socket = new net.Socket();
const server = http.createServer();
const request = new http.ClientRequest({ createConnection: () => socket });
request.on("error", () => {});
const classes = {
  Server: [http.Server.prototype, server],
  OutgoingMessage: [http.OutgoingMessage.prototype, new http.OutgoingMessage()],
  ServerResponse: [http.ServerResponse.prototype, new http.ServerResponse({ method: "GET" })],
  IncomingMessage: [http.IncomingMessage.prototype, new http.IncomingMessage(socket)],
  ClientRequest: [http.ClientRequest.prototype, request],
  Agent: [http.Agent.prototype, new http.Agent()],
  http: [http],
  https: [https],
};
// Undocumented members.
const undocumented = new Set([
  "constructor", "outputData", "outputSize", "client", "parser", "onSocket", "clearTimeout", "timeoutCb", "upgradeOrConnect",
  "createSocket", "removeSocket", "totalSocketCount",
]);

let missing = 0;
for (const [name, objects] of Object.entries(classes)) {
  const lost = [...members(...objects)].filter(
    (member) => /^[A-Za-z]/.test(member) && !general.has(member) && !undocumented.has(member) && !documented.has(member),
  );
  missing += lost.length;
  if (lost.length === 0) console.log(`ok   node-surface: every member of ${name} in ${process.version} has a row`);
  else console.log(`FAIL node-surface: ${name} has members without a row: ${lost.join(", ")}`);
}
request.destroy();
process.exit(missing === 0 ? 0 : 1);
