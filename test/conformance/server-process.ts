import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../../packages/nereid/bin/nereid.mjs', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export interface Ports {
  readonly http?: number;
  readonly grpc?: number;
  readonly metrics?: number;
  readonly sagemaker?: number;
}

/** A `nereid serve` of a run: the real command in a process of its own. */
export interface ServerProcess {
  readonly ports: Ports;
  /** Everything it printed so far, both streams. */
  output(): string;
  stop(): Promise<void>;
}

export type StartResult =
  | { readonly server: ServerProcess }
  | { readonly exitCode: number | null; readonly output: string };

const SERVICE_LINES: readonly (readonly [keyof Ports, RegExp])[] = [
  ['http', /Started HTTPService at [^\s"]*?:(\d+)/],
  ['grpc', /Started GRPCInferenceService at [^\s"]*?:(\d+)/],
  ['metrics', /Started Metrics Service at [^\s"]*?:(\d+)/],
  ['sagemaker', /Started Sagemaker HTTPService at [^\s"]*?:(\d+)/],
];

/** Last line of the table of models: everything is loaded. */
const TABLE_END = /^\| Model [\s\S]*?^\+[-+]+\+\n[\s\S]*?^\+[-+]+\+$/m;
/** How long a server is watched that listens on nothing, or whose services might not all be there. */
const SETTLE_MS = 700;

/**
 * Starts the server and waits until every service in `expected` said its port, or until the process ended. Without expected services it has
 * started when the models are loaded and it still runs a little later.
 */
export async function startServer(
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  expected: readonly (keyof Ports)[],
): Promise<StartResult> {
  const child = spawn(process.execPath, [LAUNCHER, 'serve', ...flags], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  // 'close' comes when both streams have been read to their ends, 'exit' maybe before.
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const started = new Promise<Ports>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the server said no ports within ${START_TIMEOUT_MS} ms:\n${output}`)),
      START_TIMEOUT_MS,
    );
    const keep = (chunk: Buffer) => {
      output += chunk.toString('utf8');
    };
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const ports = portsIn(output);
      if (!expected.every((service) => ports[service] !== undefined) || !TABLE_END.test(output)) return;
      clearTimeout(timer);
      // Services that nobody waits for may still say their ports.
      setTimeout(() => resolve(portsIn(output)), SETTLE_MS);
      child.stdout.off('data', read);
      child.stderr.off('data', read);
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => clearTimeout(timer));
  });
  try {
    const first = await Promise.race([started.then((ports) => ({ ports })), exited.then((exitCode) => ({ exitCode }))]);
    if ('exitCode' in first) return { exitCode: first.exitCode, output };
    return { server: { ports: first.ports, output: () => output, stop: () => stop(child, exited) } };
  } catch (error) {
    await stop(child, exited);
    throw error;
  }
}

function portsIn(output: string): Ports {
  const ports: { -readonly [service in keyof Ports]: Ports[service] } = {};
  for (const [service, pattern] of SERVICE_LINES) {
    const match = pattern.exec(output);
    if (match !== null) ports[service] = Number(match[1]);
  }
  return ports;
}

async function stop(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(killer);
}
