// Plain JavaScript without dependencies: it runs on the system's Node (20 or newer), before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The Node 24 that package.json pins. */
export const NODE_PATH = join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * What has to be in the environment before Node starts: threads for asynchronous runs (libuv reads it once, its default is 4), and at most two
 * malloc arenas, since glibc's default of eight per core keeps memory that the server has long freed.
 */
export const NODE_ENVIRONMENT = {
  UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
  MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  // Node strips types anew at every start unless it may keep the result.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(ROOT, 'node_modules', '.cache', 'compiled'),
};

/** True when node_modules is what package-lock.json asks for: npm writes the marker file last, so an interrupted install has none. */
export function isInstalled() {
  const marker = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(marker) || !existsSync(NODE_PATH)) return false;
  return statSync(marker).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

/** Runs `npm ci` when it is needed, its progress shown. Ends the process when that fails. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  const startMs = Date.now();
  console.log('Installing the dependencies (npm ci) …');
  const showingTime = showElapsed(startMs);
  // A plain `npm ci` by name also on Windows; install scripts are allowed by name in package.json, for npm versions that ask.
  const code = await run('npm', [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(process.stderr.isTTY ? ['--progress'] : []),
  ]);
  clearInterval(showingTime);
  if (code !== 0) {
    console.error(`npm ci failed (exit code ${code}). It needs the npm registry, and Node 20 or newer with its npm.`);
    process.exit(code || 1);
  }
  if (!existsSync(NODE_PATH)) {
    console.error(`npm ci left no Node at ${NODE_PATH}: were install scripts switched off? Run: npm rebuild node`);
    process.exit(1);
  }
  console.log(`Installed in ${((Date.now() - startMs) / 1000).toFixed(0)} s.`);
}

/** Where npm shows no progress bar (a log file, CI), a line now and then says that it is still at work. */
function showElapsed(startMs) {
  if (process.stderr.isTTY) return undefined;
  return setInterval(() => console.log(`  … ${Math.round((Date.now() - startMs) / 1000)} s`), 10_000);
}

/** Runs a command in the repository's root with this process's input and output; resolves to its exit code. Signals sent to us reach it. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: 'inherit',
      shell: process.platform === 'win32',
      ...options,
    });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const finish = (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.on('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}`);
      finish(127);
    });
    child.on('exit', (code, signal) => finish(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** Runs a script of ours on the pinned Node. */
export function runNode(args, options = {}) {
  return run(NODE_PATH, args, { ...options, env: { ...process.env, ...NODE_ENVIRONMENT, ...options.env } });
}
