// Files of ledgers, for one process at a time. What `append` and `replace` have acknowledged is on the disk.
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import process from "node:process";

// A lock that nobody can read belongs to a process that died while it wrote it, if it is older than this.
const UNREADABLE_MS = 10_000;

const locks = new Set();
const handles = new Map();

// When a process began, in ticks since the system did, where that can be known: numbers of processes come again.
function startOf(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/stat`, "utf8");
    return words.slice(words.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isGone({ pid, host, started }) {
  // Of another machine nothing can be known.
  if (host !== hostname()) return false;
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return true;
  }
  const now = startOf(pid);
  return now !== null && started !== null && now !== started;
}

function busy(words) {
  return Object.assign(new Error(words), { code: "ELOCKED" });
}

async function holderOf(lock) {
  const text = await readFile(lock, "utf8");
  try {
    const { pid, host, started } = JSON.parse(text);
    return { text, gone: isGone({ pid, host, started }), words: `process ${pid} on ${host}` };
  } catch {
    return { text, gone: Date.now() - (await stat(lock)).mtimeMs > UNREADABLE_MS, words: "a process" };
  }
}

async function lock(path) {
  const lock = `${path}.lock`;
  if (locks.has(lock)) return;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const file = await open(lock, "wx");
      locks.add(lock);
      try {
        await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) }));
      } finally {
        await file.close();
      }
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    try {
      const holder = await holderOf(lock);
      if (!holder.gone) throw busy(`${holder.words} has it; if there is no such process, delete ${lock}`);
      // Taken aside first: between the look and the removal another process may have done the same, and have it now.
      const aside = `${lock}.${process.pid}`;
      await rename(lock, aside);
      if ((await readFile(aside, "utf8")) !== holder.text) await rename(aside, lock);
      else await rm(aside, { force: true });
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }
  throw busy(`others want it too; if there is no such process, delete ${lock}`);
}

process.on("exit", () => {
  for (const lock of locks) rmSync(lock, { force: true });
});

async function close(path) {
  const handle = handles.get(path);
  handles.delete(path);
  await handle?.close();
}

async function syncFolder(path) {
  try {
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Not every system can, and none of them needs it then.
  }
}

export const ledger = {
  ledgerLock: lock,
  async ledgerRead(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") return undefined;
      throw error;
    }
  },
  async ledgerAppend(path, text) {
    if (!handles.has(path)) handles.set(path, await open(path, "a"));
    const handle = handles.get(path);
    await handle.appendFile(text);
    await handle.datasync();
  },
  async ledgerReplace(path, text) {
    await close(path);
    const fresh = `${path}.new`;
    const file = await open(fresh, "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    await syncFolder(path);
  },
  async ledgerMove(from, to) {
    await close(from);
    await close(to);
    await rename(from, to);
    await syncFolder(to);
  },
  async ledgerRemove(path) {
    await close(path);
    await rm(path, { force: true });
  },
};
