import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GrpcLoadTask } from './grpc-load.ts';
import type { LoadTask } from './http-load.ts';
import type { LoadResult } from './load-result.ts';

/** CPU for the servers and for the load, when the machine has two and `taskset`. */
const SERVER_CPU = 0;
const LOAD_CPU = 1;

let tasksetFound: boolean | undefined;

function pinned(cpu: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  if (tasksetFound === undefined) {
    try {
      execFileSync('taskset', ['-c', '0', 'true']);
      tasksetFound = true;
    } catch {
      tasksetFound = false;
    }
  }
  return cpu !== undefined && tasksetFound ? ['taskset', ['-c', String(cpu), command, ...args]] : [command, [...args]];
}

/** A server under test in a process of its own. */
export interface BenchServer {
  readonly port: number;
  /** User and system CPU time so far in microseconds, from /proc. */
  cpuMicros(): number;
  signal(name: NodeJS.Signals): void;
  /** Resident memory in bytes. */
  residentBytes(): number;
  /** The most that was resident since the last call of `resetPeak`. */
  peakResidentBytes(): number;
  resetPeak(): void;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly args: readonly string[];
  /** Finds the port in what the process prints. */
  readonly portPattern: RegExp;
  /** Pinned to the server's CPU; false lets it use every core. */
  readonly pinned: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `node …args` and waits for its port. */
export async function startBenchServer(options: StartOptions): Promise<BenchServer> {
  const [command, args] = pinned(options.pinned ? SERVER_CPU : undefined, process.execPath, options.args);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const match = options.portPattern.exec(output);
      if (match?.[1] !== undefined) resolve(Number(match[1]));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}:\n${output}`)));
  });
  const pid = serverPid(child);
  return {
    port,
    cpuMicros: () => cpuMicros(pid),
    signal: (name) => process.kill(pid, name),
    residentBytes: () => memoryBytes(pid, 'VmRSS'),
    peakResidentBytes: () => memoryBytes(pid, 'VmHWM'),
    resetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The launcher may have started Node as a child: the process that does the work is the last of the line. */
function serverPid(child: ChildProcess): number {
  let pid = child.pid!;
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    const next = children.at(-1);
    if (next === undefined) return pid;
    pid = Number(next);
  }
}

/** What `clear_refs` takes it for (proc(5)). */
const RESET_PEAK = '5';

function memoryBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
}

const TICKS_PER_SECOND = 100;

function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** Runs the HTTP load generator against `port` in a process of its own, on the second core unless told otherwise. */
export function runLoad(task: Omit<LoadTask, 'host'>, onOneCore = true): Promise<LoadResult> {
  return runGenerator('./http-load.ts', task, onOneCore);
}

/** The same over gRPC. */
export function runGrpcLoad(task: Omit<GrpcLoadTask, 'host'>, onOneCore = true): Promise<LoadResult> {
  return runGenerator('./grpc-load.ts', task, onOneCore);
}

async function runGenerator(script: string, task: object, onOneCore: boolean): Promise<LoadResult> {
  const [command, args] = pinned(onOneCore ? LOAD_CPU : undefined, process.execPath, [
    fileURLToPath(new URL(script, import.meta.url)),
  ]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ host: '127.0.0.1', ...task }));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the load generator ended with code ${String(code)}`);
  return JSON.parse(output) as LoadResult;
}

/** A POST request as bytes, for the load generator. */
export function postRequest(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): string {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Content-Length: ${body.length}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]).toString('base64');
}
