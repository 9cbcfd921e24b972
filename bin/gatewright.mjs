#!/usr/bin/env node
// Runs src/cli.ts on Node 24: this one where it is, otherwise the one that `npm ci` installed.
// Plain JavaScript, so that any Node from 20 on can read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const node = Number.parseInt(process.versions.node, 10) === 24 ? process.execPath : installed;
const program = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

if (existsSync(node)) {
  run();
} else {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(`gatewright: ${node} is missing: run npm ci first, in ${folder}\n`);
  process.exitCode = 1;
}

function run() {
  // Halves the start-up time. In a folder of ours, since whoever can write a compile cache decides what runs.
  const cache = fileURLToPath(new URL('../node_modules/.cache/gatewright', import.meta.url));
  const env = { NODE_COMPILE_CACHE: cache, ...process.env };
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit', env });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    // From a keyboard, Ctrl-C and Ctrl-\ reach the child without us; a second one would cut its orderly stop short.
    const fromKeyboard = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
    process.on(signal, () => fromKeyboard || child.kill(signal));
  }
  child.on('error', (err) => {
    process.stderr.write(`gatewright: ${node} does not start (${err.message}): run npm ci again\n`);
    process.exitCode = 1;
  });
  child.on('exit', (status, signal) => {
    if (signal === null) {
      process.exitCode = status;
      return;
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
