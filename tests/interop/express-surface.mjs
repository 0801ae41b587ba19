// Checks that docs/express.md is complete: each member that Express adds to the application, its router, requests and responses, and
// each of its settings, must stand in the first column of a table. Express is resolved from the directory in EXPRESS, or from here.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { EventEmitter } from "node:events";

const from = process.env.EXPRESS ? path.resolve(process.env.EXPRESS, "x.js") : import.meta.url;
const require = createRequire(from);
const express = require("express");

const page = fs.readFileSync(new URL("../../docs/express.md", import.meta.url), "utf8");
const words = new Set();
const settings = new Set();
let inside = false;
for (const line of page.split("\n")) {
  // A heading names what its table is about.
  const heading = line.startsWith("#") ? line : "";
  for (const [, code] of heading.matchAll(/`([^`]*)`/g)) {
    for (const [word] of code.matchAll(/[A-Za-z_]+/g)) words.add(word);
  }
  const cells = line.startsWith("|") ? line.split("|").map((cell) => cell.trim()) : [];
  inside = line.startsWith("|") && (inside || cells[2] === "Hearken");
  if (!inside) continue;
  for (const [, code] of cells[1].matchAll(/`([^`]*)`/g)) {
    settings.add(code);
    for (const [word] of code.matchAll(/[A-Za-z_]+/g)) words.add(word);
  }
}

const app = express();
const own = (object) => Object.getOwnPropertyNames(object);
const methods = new Set(http.METHODS.map((method) => method.toLowerCase()));
const general = new Set([...own(EventEmitter.prototype), ...own(new EventEmitter()), ...own(Function.prototype), ...own(Object.prototype)]);
// Members without documentation.
for (const name of ["init", "defaultConfiguration", "handle", "cache", "engines", "settings", "request", "response", "stack", "process_params", "_events", "prototype", "application", "Route"]) {
  general.add(name);
}
const kinds = {
  express: own(express),
  application: [...own(express.application), ...own(app)],
  Router: own(Object.getPrototypeOf(express.Router())),
  request: own(express.request),
  response: own(express.response),
};
let missing = 0;
const report = (kind, lost) => {
  missing += lost.length;
  if (lost.length === 0) console.log(`ok   express-surface: every ${kind} of Express ${require("express/package.json").version} has a row`);
  else console.log(`FAIL express-surface: ${kind} without a row: ${lost.join(", ")}`);
};
for (const [kind, names] of Object.entries(kinds)) {
  const lost = names.filter((name) => !methods.has(name) && !general.has(name) && !words.has(name));
  report(`member of ${kind}`, [...new Set(lost)]);
}
const known = [...Object.keys(app.settings), "json escape", "json spaces", "json replacer", "case sensitive routing", "strict routing", "view engine", "view cache"];
report("setting", known.filter((name) => !name.endsWith(" fn") && !settings.has(name)));
process.exit(missing === 0 ? 0 : 1);
