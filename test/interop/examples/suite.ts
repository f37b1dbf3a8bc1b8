import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../python-environment.ts';
import { type SuiteResult, Tally } from '../result.ts';
import { EXAMPLE_CLIENTS, type ExampleClient } from './catalogue.ts';
import { ExampleServers, usualPortTaken } from './servers.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const IMAGE = fileURLToPath(new URL('../../support/bright.jpg', import.meta.url));
const SCRIPT_TIMEOUT_MS = 180_000;

/**
 * The example clients of `tritonclient`. With `scripts`, the folder of those scripts, they run unchanged. No package has them, so that without
 * it functions of our own make the same calls, one for each script, with `tritonclient` all the same.
 */
export async function runExamplesSuite(requirements: string, scripts: string | undefined): Promise<SuiteResult> {
  const tally = new Tally(scripts === undefined ? 'example clients (the calls of each script)' : 'example scripts');
  const servers = new ExampleServers();
  try {
    if (scripts === undefined) await playExamples(pythonEnvironment(requirements).python, servers, tally);
    else await runScripts(resolve(scripts), servers, tally);
  } finally {
    await servers.stop();
  }
  return tally.result();
}

async function playExamples(python: string, servers: ExampleServers, tally: Tally): Promise<void> {
  const main = await servers.addresses('main');
  const further = await servers.addresses('further');
  const wanted = EXAMPLE_CLIENTS.filter(({ notRun }) => notRun === undefined).map(({ name }) => name);
  const { output, stdout } = await runPython(python, [join(FOLDER, 'own', 'run.py'), ...wanted], {
    NEREID_HTTP: main.http,
    NEREID_GRPC: main.grpc,
    NEREID_FURTHER_HTTP: further.http,
    NEREID_FURTHER_GRPC: further.grpc,
  });
  const outcomes = new Map(stdout.split('\n').map((line) => [line.split('\t')[0], line.split('\t').slice(1)]));
  let failed = false;
  for (const { name, notRun } of EXAMPLE_CLIENTS) {
    const [outcome, detail = ''] = outcomes.get(name) ?? [];
    if (notRun !== undefined) tally.notRun(name, notRun);
    else if (outcome === 'passed') tally.passed(name);
    else {
      failed = true;
      tally.failed(name, outcome === undefined ? 'it did not come to an end' : detail);
    }
  }
  if (failed) console.log(output);
}

async function runScripts(folder: string, servers: ExampleServers, tally: Tally): Promise<void> {
  const { python } = pythonEnvironment(join(FOLDER, 'requirements.txt'));
  for (const example of EXAMPLE_CLIENTS) {
    const reason = await whyNot(example, folder);
    if (reason !== undefined) {
      tally.notRun(example.name, reason);
      continue;
    }
    const { http, grpc } = await servers.addresses(example.server);
    const values: Readonly<Record<string, string>> = { HTTP: http, GRPC: grpc, IMAGE };
    let failure: string | undefined;
    for (const args of example.runs) {
      const script = join(folder, `${example.name}.py`);
      const { code, output } = await runPython(python, [script, ...args.map((arg) => values[arg] ?? arg)], {});
      if (code !== 0) failure ??= `${args.join(' ')} ended with ${code ?? 'a time-out'}\n${output}`;
    }
    if (failure === undefined) tally.passed(example.name);
    else tally.failed(example.name, failure);
  }
}

async function whyNot({ name, notRun, server }: ExampleClient, folder: string): Promise<string | undefined> {
  if (notRun !== undefined) return notRun;
  if (!existsSync(join(folder, `${name}.py`))) return `there is no ${name}.py in ${folder}`;
  const taken = server === 'usual-ports' ? await usualPortTaken() : undefined;
  return taken === undefined ? undefined : `it always asks port ${taken}, which is taken`;
}

/** Both streams together in `output`; no `code` when it took too long. */
async function runPython(
  python: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string; readonly stdout: string }> {
  const child = spawn(python, args, {
    env: { ...process.env, ...environment, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: args[0]!.endsWith('run.py') ? 0 : SCRIPT_TIMEOUT_MS,
  });
  const text = { output: '', stdout: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.output += chunk.toString();
    text.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.output += chunk.toString();
  });
  const code = await new Promise<number | null>((settle) => child.once('close', settle));
  return { code, ...text };
}
