#!/usr/bin/env node
// solc 0.8.30 for machines that cannot download the native compiler: the WebAssembly build from npm,
// behind the part of solc's command line that py-solc-x uses. `toolchain/install_solc.py` links it as
// `solc-v0.8.30` into py-solc-x's folder. Same compiler, same bytecode, slower.
"use strict";

const fs = require("node:fs");

// Answered without loading the compiler (half a second), because ape asks for it many times a run.
// Checked against the compiler on every compilation.
const VERSION = "0.8.30+commit.73712a01.Emscripten.clang";
const OPTIONS_WITH_VALUE = new Set(["--allow-paths", "--base-path", "--include-path"]);

function fail(message) {
  process.stderr.write(`solc: ${message}\n`);
  process.exit(1);
}

function compile() {
  const input = fs.readFileSync(0, "utf8");
  const solc = require("solc/wrapper")(require("solc/soljson.js"));
  if (solc.version() !== VERSION) fail(`npm solc is ${solc.version()}, wanted ${VERSION}: run 'npm ci'`);
  // Every source must be in the input. Nothing is read from disk, so the result depends on the input alone.
  const missing = (path) => ({ error: `'${path}' is not among the sources of the standard JSON input` });
  process.stdout.write(solc.compile(input, { import: missing }) + "\n");
}

const args = process.argv.slice(2);
let standardJson = false;
for (let i = 0; i < args.length; i++) {
  if (args[i] === "--version") {
    process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${VERSION}\n`);
    process.exit(0);
  } else if (args[i] === "--standard-json") standardJson = true;
  else if (OPTIONS_WITH_VALUE.has(args[i])) i++;
  else if (args[i] !== "-") fail(`unsupported option '${args[i]}': this stand-in answers --version and --standard-json`);
}
if (!standardJson) fail("nothing to do: pass --standard-json and the input on stdin");
compile();
