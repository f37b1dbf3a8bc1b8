#!/usr/bin/env node
// Starts the command on Node 24 with an environment that has to be set before Node starts. Plain JavaScript: whichever Node the user has runs it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRED_MAJOR = 24;
const require = createRequire(import.meta.url);

const node = findNode();
if (node === undefined) {
  console.error(
    `nereid needs Node ${REQUIRED_MAJOR}; this is ${process.version}, and the npm package "node" beside nereid holds no binary.`,
  );
  console.error(`Install Node ${REQUIRED_MAJOR}, or let npm run that package's install script: npm rebuild node`);
  process.exit(1);
}
// SageMaker starts a container with the command `serve`: an image links that name here.
const verb = basename(process.argv[1] ?? '') === 'serve' ? ['serve'] : [];
const args = [...heapFlags(node), ...process.execArgv, entryPoint(), ...verb, ...process.argv.slice(2)];
const environment = {
  ...process.env,
  // libuv reads it once; its default of four threads would let four model runs through at a time.
  UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
  // glibc's default of eight malloc arenas per core keeps memory that the server has long freed.
  MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  // Compiled code is kept between starts, which saves half a second of each.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(cacheDirectory(), 'compiled'),
};

// Node 22.15 and newer can replace this process: no second one, signals and exit codes are the server's own. It also saves its memory.
if (typeof process.execve === 'function') {
  // It warns of being experimental.
  process.removeAllListeners('warning');
  process.execve(node, [node, ...args], environment);
}
await runChild();

/** This Node if it is new enough, else the one that the npm package "node" brings. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) return process.execPath;
  try {
    const folder = join(require.resolve('node/package.json'), '..', 'bin');
    return ['node', 'node.exe'].map((name) => join(folder, name)).find((path) => existsSync(path));
  } catch {
    return undefined;
  }
}

/**
 * By default V8 collects the whole heap after some 30 MB of memory outside it (request bodies, tensors), however short-lived: with large bodies
 * several times a second, on four threads at once, which holds the event loop where cores are few. Counted with the heap, from a first limit that
 * leaves room for it, nearly all of it goes with the young objects it belongs to. V8 of Node 24 only: another may not know the flags, and would
 * not start.
 */
function heapFlags(path) {
  const known = path !== process.execPath || process.versions.v8.startsWith('13.');
  return known ? ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=64'] : [];
}

/** As src/cli/cache-directory.ts. */
function cacheDirectory() {
  const { NEREID_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return NEREID_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'nereid');
}

/** TypeScript in a clone; JavaScript in an installed package, where Node strips no types. */
function entryPoint() {
  const compiled = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const source = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  return existsSync(source) ? source : compiled;
}

async function runChild() {
  const { spawn } = await import('node:child_process');
  const child = spawn(node, args, { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`nereid: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Die of the same signal, so that a shell or a supervisor sees what happened.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
