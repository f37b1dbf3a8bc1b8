import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A script in a process of its own that answers every line with one line; its first line says that it is ready. */
export interface LineProcess {
  ask(line: string): Promise<string>;
  stop(): void;
}

export async function startLineProcess(args: readonly string[]): Promise<LineProcess> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0] ?? 'the process'} ended`);
    return value;
  };
  await next();
  return {
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    stop: () => child.kill(),
  };
}
