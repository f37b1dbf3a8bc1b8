import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HostOptions } from '../index.ts';
import { processStart } from '../instances/process-table.ts';
import { clients, type TestHost, testHostOptions } from './test-host.ts';

const ENTRY = join(import.meta.dirname, 'host-process.ts');

export interface KillableHost extends Pick<TestHost, 's3' | 'sagemaker' | 'runtime'> {
  readonly url: string;
  /** `SIGKILL`, or `SIGTERM` for an orderly end. Resolves with the exit code once the process is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a host as a child process. Rejects with what it printed when it does not come up. */
export async function startKillableHost(
  context: TestContext,
  dataDirectory: string,
  options: HostOptions = {},
): Promise<KillableHost> {
  const { writeLog: _log, ...plain } = testHostOptions(dataDirectory, []);
  const child = spawn(process.execPath, [ENTRY, JSON.stringify({ ...plain, ...options })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  const url = await firstLine(child);
  const connected = clients({ url });
  context.after(() => {
    for (const client of Object.values(connected)) client.destroy();
  });
  return {
    url,
    ...connected,
    async end(signal) {
      const exited = once(child, 'exit');
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let [output, errors] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('\n')) resolve(output.trim());
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('exit', () => reject(new Error(errors)));
  });
}

/** True while a process runs; one that has ended and was not waited for counts as gone. */
export function isRunning(pid: number): boolean {
  return processStart(pid) !== undefined;
}
