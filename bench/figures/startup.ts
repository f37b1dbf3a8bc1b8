import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { articleRepository } from '../lib/article.ts';
import { LAUNCHER } from '../lib/nereid-server.ts';
import type { Benchmark, BenchReport } from '../lib/report.ts';
import { median } from '../lib/rounds.ts';

const ROUNDS = 5;
const IDLE_MS = 3_000;

interface Start {
  readonly readyMs: number;
  readonly residentMegabytes: number;
}

/** From the start of the process to the first 200 of /v2/health/ready, and the memory some seconds later. */
async function start(repository: string, cacheDirectory: string): Promise<Start> {
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    [
      LAUNCHER,
      'serve',
      `--model-repository=${repository}`,
      '--http-address=127.0.0.1',
      '--http-port=0',
      '--allow-grpc=false',
      '--allow-metrics=false',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NEREID_CACHE_DIR: cacheDirectory } },
  );
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const match = /Started HTTPService at [^\s"]*?:(\d+)/.exec(output);
      if (match !== null) resolve(Number(match[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}:\n${output}`)));
  });
  while ((await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).status !== 200) await delay(5);
  const readyMs = performance.now() - begin;
  await delay(IDLE_MS);
  const residentMegabytes = treeResidentBytes(child.pid!) / 1e6;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
  return { readyMs, residentMegabytes };
}

function treeResidentBytes(pid: number): number {
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + treeResidentBytes(Number(child)), own);
}

/** Size of the production dependencies as npm installs them, in megabytes; undefined without npm's registry. */
function installedMegabytes(): number | undefined {
  const root = new URL('../..', import.meta.url).pathname;
  const directory = mkdtempSync(join(tmpdir(), 'nereid-install-'));
  try {
    execFileSync('git', ['clone', '-q', root, directory]);
    execFileSync('npm', ['ci', '--omit=dev', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: directory,
      stdio: 'ignore',
    });
    return Number(execFileSync('du', ['-sm', join(directory, 'node_modules')], { encoding: 'utf8' }).split('\t')[0]);
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  log("writing the article's repository");
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const repository = await articleRepository(directory);
  const weights = readFileSync(join(repository, 'inception_graphdef/1/model.graphdef')).length / 1e6;
  const first: Start[] = [];
  const cached: Start[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    log(`round ${round + 1} of ${ROUNDS}`);
    const cacheDirectory = mkdtempSync(join(tmpdir(), 'nereid-cache-'));
    first.push(await start(repository, cacheDirectory));
    if (!existsSync(cacheDirectory)) throw new Error('the import cache is gone');
    cached.push(await start(repository, cacheDirectory));
    rmSync(cacheDirectory, { recursive: true, force: true });
  }
  rmSync(directory, { recursive: true, force: true });
  log('installing the production dependencies into an empty folder');
  const installed = installedMegabytes();
  const seconds = (starts: readonly Start[]) => `${(median(starts.map(({ readyMs }) => readyMs)) / 1000).toFixed(2)} s`;
  const memory = (starts: readonly Start[]) =>
    `${median(starts.map(({ residentMegabytes }) => residentMegabytes)).toFixed(0)} MB`;
  const memoryAim = `${(150 + 1.2 * weights).toFixed(0)} MB`;
  return {
    title: "Start, idle memory and size with the article's repository",
    columns: ['what', 'figure', 'aim'],
    rows: [
      { cells: ['process start to ready, first time', seconds(first), '≤ 3 s'] },
      { cells: ['process start to ready, import cached', seconds(cached), '≤ 1 s'] },
      { cells: [`idle memory, first start (weights ${weights.toFixed(0)} MB)`, memory(first), `≤ ${memoryAim}`] },
      { cells: ['idle memory, import cached', memory(cached), `≤ ${memoryAim}`] },
      {
        cells: [
          'installed production dependencies',
          installed === undefined ? 'not measured' : `${installed} MB`,
          '≤ 450 MB',
        ],
      },
    ],
    notes: [
      `Medians of ${ROUNDS}; memory is resident memory of the launcher and the server ${IDLE_MS / 1000} s after ready.`,
    ],
  };
}

export const benchmark: Benchmark = { name: 'startup', run };
