#!/usr/bin/env node
// Lends HTTP, files, streams, environment variables and signals to the engine. Everything else is in there.
import { mkdir, open, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, isAbsolute } from "node:path";
import process from "node:process";
import v8 from "node:v8";
import { request } from "./http.mjs";
import { ledger } from "./ledger.mjs";
import { initSync, run } from "../engine/tsink_migrate_edge.js";

const NEEDS_NODE = 20;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const MAX_OPEN_FILES = 8;

// V8 optimises a WebAssembly function once it has used up this budget, some thirty times the default. Below that it
// spent more time on functions that run a few thousand times than they then saved: 1 s of CPU in a backfill of 5.76 M
// samples. Hot loops are optimised all the same. Only for versions that are known to have the flag: another one would
// complain.
if (Number.parseInt(process.versions.node, 10) <= 24) v8.setFlagsFromString("--wasm-tiering-budget=60000000");

let interrupt = null;
// Ends a question at the terminal, while there is one.
let endQuestion = null;
let interrupted = false;

// Files that a plan names, by path, the one that was used last at the end: a recording is read in pieces.
const openFiles = new Map();

async function openFile(plan, path, allowOutside) {
  const folder = dirname(resolve(plan));
  const named = resolve(folder, path);
  const known = openFiles.get(named);
  if (known) {
    openFiles.delete(named);
    openFiles.set(named, known);
    return known;
  }
  if (!allowOutside) {
    // Links are followed first: one must not lead out of the folder.
    const inside = relative(await realpath(folder), await realpath(named));
    if (inside === "" || inside === ".." || inside.startsWith("../") || inside.startsWith("..\\") || isAbsolute(inside)) {
      throw Object.assign(new Error("outside of the plan's folder"), { code: "EOUTSIDE" });
    }
  }
  const file = await open(named, "r");
  openFiles.set(named, file);
  for (const [oldest, handle] of openFiles) {
    if (openFiles.size <= MAX_OPEN_FILES) break;
    openFiles.delete(oldest);
    await handle.close();
  }
  return file;
}

const host = {
  ...ledger,
  request,
  // Reads the first bytes only, so that a path to something huge does no harm. Pipes have no position.
  async readFile(path, limit) {
    const file = await open(path, "r");
    try {
      const bytes = new Uint8Array(limit);
      let length = 0;
      while (length < limit) {
        const { bytesRead } = await file.read(bytes, length, limit - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    } finally {
      await file.close();
    }
  },
  async fileSize(plan, path, allowOutside) {
    const stat = await (await openFile(plan, path, allowOutside)).stat();
    if (!stat.isFile()) throw Object.assign(new Error("not a file"), { code: stat.isDirectory() ? "EISDIR" : "ENOTFILE" });
    return stat.size;
  },
  async readPart(plan, path, allowOutside, offset, length) {
    const file = await openFile(plan, path, allowOutside);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  },
  makeDir: (path) => mkdir(path, { recursive: true }),
  writeFile: (dir, name, text) => writeFile(join(dir, name), text),
  variable: (name) => (Object.hasOwn(process.env, name) ? process.env[name] : undefined),
  // Reads a line from the terminal without showing it. In raw mode the terminal sends Ctrl-C as a character.
  askSecret: (prompt) =>
    new Promise((resolve) => {
      const { stdin, stderr } = process;
      if (!stdin.isTTY || !stderr.isTTY) return resolve(undefined);
      let typed = "";
      const end = (answer) => {
        endQuestion = null;
        stdin.off("data", onData);
        stdin.off("end", endQuestionUnanswered);
        stdin.setRawMode(false);
        stdin.pause();
        stderr.write("\n");
        resolve(answer);
      };
      const endQuestionUnanswered = () => end(undefined);
      const onData = (text) => {
        for (const character of text) {
          if (character === "\r" || character === "\n") return end(typed);
          if (character === "\u0003") {
            end(undefined);
            return onSignal();
          }
          if (character === "\u0004") return end(undefined);
          if (character === "\u007f" || character === "\b") typed = typed.slice(0, -1);
          else if (character === "\u0015") typed = "";
          else if (character >= " ") typed += character;
        }
      };
      endQuestion = endQuestionUnanswered;
      // Before the prompt: what is typed at once must not be shown either.
      stdin.setRawMode(true);
      stdin.setEncoding("utf8");
      stderr.write(prompt);
      stdin.on("data", onData);
      stdin.on("end", endQuestionUnanswered);
      stdin.resume();
    }),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  columns: () => (process.stderr.isTTY ? process.stderr.columns || 80 : undefined),
  onInterrupt: (callback) => void (interrupt = callback),
};

function onSignal() {
  if (interrupted || !interrupt) {
    // Leaves the prompt on a line of its own.
    if (process.stderr.isTTY) process.stderr.write("\n");
    process.exit(EXIT_INTERRUPTED);
  }
  interrupted = true;
  interrupt();
}

function onCrash(error) {
  process.stderr.write(`\nerror: tsink-migrate broke down: ${error?.message ?? error}\n`);
  process.exit(EXIT_FAILED);
}

async function main() {
  if (Number.parseInt(process.versions.node, 10) < NEEDS_NODE) {
    process.stderr.write(`error: tsink-migrate needs Node.js ${NEEDS_NODE} or newer; this is ${process.version}\n`);
    return EXIT_FAILED;
  }
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);
  for (const stream of [process.stdout, process.stderr]) {
    // `tsink-migrate … | head` closes the pipe early; that is no failure of the migration.
    stream.on("error", (error) => error.code === "EPIPE" || onCrash(error));
  }
  const engine = new URL("../engine/tsink_migrate_edge_bg.wasm", import.meta.url);
  // Not the glue's own way to load: it looks at what `fetch` brings, and only to look makes Node.js load `fetch`.
  const { memory } = initSync({ module: await WebAssembly.compile(await readFile(engine)) });
  const code = await run(host, process.argv.slice(2));
  // A question that nobody has answered would keep the process alive.
  endQuestion?.();
  if (process.env.TSINK_MIGRATE_STATS) {
    // For measurements: the engine's memory only grows, so its size at the end is the most that it took.
    await writeFile(process.env.TSINK_MIGRATE_STATS, JSON.stringify({ engine_memory_bytes: memory.buffer.byteLength }));
  }
  return code;
}

// Until the engine gives a code, ending means failure: Node.js also ends when nothing is left to wait for.
process.exitCode = EXIT_FAILED;
// Not `process.exit`, which would cut what is still on its way to a pipe.
process.exitCode = await main();
