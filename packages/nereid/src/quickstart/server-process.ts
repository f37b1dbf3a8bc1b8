import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  /** Of the HTTP front end. */
  readonly baseUrl: string;
  /** Settles when the process has ended, with its exit code. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then waits. */
  stop(): Promise<void>;
}

export interface ServerProcessOptions {
  /** The file that holds the command. */
  readonly entryPoint: string;
  readonly modelRepository: string;
  readonly logPath: string;
}

const HOST = '127.0.0.1';
const LOG_TAIL_LINES = 20;

/**
 * Starts `nereid serve` as a child on the usual port, or on a free one when that is taken, and waits until it is ready. Its log goes to a file.
 * Rejects with the end of the log when it exits instead.
 */
export async function startServer({
  entryPoint,
  modelRepository,
  logPath,
}: ServerProcessOptions): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [
      entryPoint,
      'serve',
      `--model-repository=${modelRepository}`,
      `--http-address=${HOST}`,
      `--http-port=${await portOrAny(8000)}`,
      `--grpc-port=${await portOrAny(8001)}`,
      `--metrics-port=${await portOrAny(8002)}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const killChild = () => child.kill();
  process.once('exit', killChild);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      process.off('exit', killChild);
      resolve(code);
    });
    child.once('error', () => resolve(1));
  });
  const baseUrl = await addressFromLog(child, exited, logPath);
  return {
    baseUrl,
    exited,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function portOrAny(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, HOST, () => probe.close(() => resolve(port)));
  });
}

/** Copies the log to its file and resolves when it says where the HTTP server listens, which it does once the models are loaded. */
function addressFromLog(child: ChildProcess, exited: Promise<number | null>, logPath: string): Promise<string> {
  const file = createWriteStream(logPath);
  const tail: string[] = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stderr! });
    lines.on('line', (line) => {
      file.write(`${line}\n`);
      tail.push(line);
      if (tail.length > LOG_TAIL_LINES) tail.shift();
      const address = /Started HTTPService at ([^"\s]+)/.exec(line)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    });
    lines.once('close', () => {
      file.end();
      void exited.then((code) => reject(new Error(`the server exited with code ${code}:\n${tail.join('\n')}`)));
    });
  });
}
