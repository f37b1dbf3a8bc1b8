import { type ChildProcess, spawn } from 'node:child_process';
import { LAUNCHER } from './command.ts';

/** A `nereid serve` of a test. */
export interface RunningServer {
  readonly child: ChildProcess;
  readonly httpUrl: string;
  /** Undefined unless SageMaker's front end is on. */
  readonly sagemakerUrl: string | undefined;
  /** What it logged so far. */
  log(): string;
  /** Sends a signal and resolves to the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Free ports on loopback; later flags win. */
const TEST_FLAGS = [
  '--http-address=127.0.0.1',
  '--http-port=0',
  '--metrics-port=0',
  '--grpc-port=0',
  '--sagemaker-port=0',
];

/** Starts the server and waits until it said that it listens. Rejects with its log when it exits instead. */
export function startTestServer(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const child = spawn(process.execPath, [LAUNCHER, 'serve', ...TEST_FLAGS, ...flags], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const wantsSagemaker = flags.includes('--allow-sagemaker=true');
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const http = /Started HTTPService at ([\w.:]+)/.exec(log)?.[1];
      const sagemaker = /Started Sagemaker HTTPService at [\w.]+:(\d+)/.exec(log)?.[1];
      if (http === undefined || (wantsSagemaker && sagemaker === undefined)) return;
      resolve({
        child,
        httpUrl: `http://${http}`,
        sagemakerUrl: sagemaker === undefined ? undefined : `http://127.0.0.1:${sagemaker}`,
        log: () => log,
        stop(signal = 'SIGTERM') {
          child.kill(signal);
          return exited;
        },
      });
    });
    void exited.then((code) => reject(new Error(`nereid serve exited with ${code}:\n${log}`)));
  });
}
