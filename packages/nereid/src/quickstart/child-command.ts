import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** A process of the `nereid` command that quickstart started. */
export interface ChildCommand {
  /** Settles when the process has ended, with its exit code. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then waits. */
  stop(): Promise<void>;
}

export interface ChildCommandOptions<Address> {
  /** The file that holds the command. */
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where its standard error goes. */
  readonly logPath: string;
  /** Sees every line of its output, and answers where it is to be reached as soon as a line has told the last of that. */
  readonly readAddress: (line: string) => Address | undefined;
}

const LOOPBACK = '127.0.0.1';
const LOG_TAIL_LINES = 20;

/** Starts the command as a child and waits until its output says where it listens. Rejects with the end of its log when it exits instead. */
export async function startCommand<Address>(
  options: ChildCommandOptions<Address>,
): Promise<ChildCommand & { readonly address: Address }> {
  const child = spawn(process.execPath, [options.entryPoint, ...options.args], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killChild = () => child.kill();
  process.once('exit', killChild);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      process.off('exit', killChild);
      resolve(code);
    });
    child.once('error', () => resolve(1));
  });
  const address = await addressFromOutput(child, exited, options);
  return {
    address,
    exited,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** `port` of loopback when it is free, else 0: any. */
export async function portOrAny(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, LOOPBACK, () => probe.close(() => resolve(port)));
  });
}

function addressFromOutput<Address>(
  child: ChildProcess,
  exited: Promise<number | null>,
  { logPath, readAddress, args }: ChildCommandOptions<Address>,
): Promise<Address> {
  const file = createWriteStream(logPath);
  const tail: string[] = [];
  return new Promise((resolve, reject) => {
    const read = (line: string): void => {
      const address = readAddress(line);
      if (address !== undefined) resolve(address);
    };
    createInterface({ input: child.stdout! }).on('line', read);
    const log = createInterface({ input: child.stderr! });
    log.on('line', (line) => {
      file.write(`${line}\n`);
      tail.push(line);
      if (tail.length > LOG_TAIL_LINES) tail.shift();
      read(line);
    });
    log.once('close', () => {
      file.end();
      void exited.then((code) => reject(new Error(`nereid ${args[0]} exited with code ${code}:\n${tail.join('\n')}`)));
    });
  });
}
