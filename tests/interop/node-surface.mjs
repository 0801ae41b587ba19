// Does docs/node-http.md leave nothing out? Asks the Node that is installed for the members of its six classes and of its
// modules, and looks for each in the first column of a table. Names with an underscore are Node's own affair; what every
// stream and every emitter has is not about HTTP.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import stream from "node:stream";
import { EventEmitter } from "node:events";

const page = fs.readFileSync(new URL("../../docs/node-http.md", import.meta.url), "utf8");
const told = new Set();
let inside = false;
for (const line of page.split("\n")) {
  const cell = line.startsWith("|") ? line.split("|")[1].trim() : "";
  inside = line.startsWith("|") && (inside || cell === "Node");
  if (!inside) continue;
  for (const [, code] of cell.matchAll(/`([^`]*)`/g)) {
    for (const [word] of code.matchAll(/[A-Za-z_]+/g)) told.add(word);
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
// Of these general ones, those that Node's documentation of http speaks of.
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
// Held by an object of that class, but no part of what is documented.
const unspoken = new Set([
  "constructor", "outputData", "outputSize", "client", "parser", "onSocket", "clearTimeout", "timeoutCb", "upgradeOrConnect",
  "createSocket", "removeSocket", "totalSocketCount",
]);

let missing = 0;
for (const [name, objects] of Object.entries(classes)) {
  const lost = [...members(...objects)].filter(
    (member) => /^[A-Za-z]/.test(member) && !general.has(member) && !unspoken.has(member) && !told.has(member),
  );
  missing += lost.length;
  if (lost.length === 0) console.log(`ok   node-surface: every member of ${name} in ${process.version} has a row`);
  else console.log(`FAIL node-surface: ${name} has members without a row: ${lost.join(", ")}`);
}
request.destroy();
process.exit(missing === 0 ? 0 : 1);
