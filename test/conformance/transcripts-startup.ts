import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Difference } from './known-differences.ts';
import { startServer } from './server-process.ts';
import { buildRepository, type ModelSources, write } from './transcripts-repository.ts';
import type { StartupEntry, StartupResult } from './transcripts-types.ts';

/** Starts the server as recorded and compares whether it came up, the table of models, and the error and warning lines. */
export async function replayStartup(entry: StartupEntry, sources: ModelSources): Promise<Difference[][]> {
  const root = mkdtempSync(join(tmpdir(), 'nereid-startup-'));
  const repository = join(root, 'models');
  try {
    layOut(entry, sources, repository);
    const actual = await start(entry, repository);
    return [entry.result, entry.result_2_73]
      .filter((result): result is StartupResult => result !== undefined)
      .map((result) => compareStartup(actual, result));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function layOut(entry: StartupEntry, sources: ModelSources, repository: string): void {
  if (entry.files === null) return;
  buildRepository({ id: 'startup', flags: [], models: entry.copies }, sources, repository);
  for (const directory of entry.directories) mkdirSync(join(repository, directory), { recursive: true });
  for (const [path, contents] of Object.entries(entry.files)) write(join(repository, path), contents);
  for (const [path, source] of Object.entries(entry.modelFile ?? {})) {
    const copied = /^copy of (.+)$/.exec(String(source))?.[1];
    if (copied === undefined) throw new Error(`unknown model file source ${JSON.stringify(source)}`);
    const from = sources.directories.map((directory) => join(directory, copied)).at(0);
    if (from !== undefined) cpSync(from, join(repository, path));
  }
}

interface Started extends StartupResult {
  readonly output: string;
}

async function start(entry: StartupEntry, repository: string): Promise<Started> {
  const flags = [`--model-repository=${repository}`, '--http-address=127.0.0.1', ...portFlags(entry), ...entry.flags];
  const result = await startServer(flags, {}, entry.flags.includes('--allow-http=false') ? [] : ['http']);
  const printed = 'server' in result ? result.server.output() : result.output;
  const output = printed.replaceAll(repository, '<REPOSITORY>');
  if ('server' in result) await result.server.stop();
  return {
    started: 'server' in result,
    exit: 'server' in result ? 0 : (result.exitCode ?? -1),
    models: modelTable(output.replaceAll(repository, '<REPOSITORY>')),
    log: logLines(output),
    output,
  };
}

/** The recording's servers had ports of their own around 20000; a clash of ports is part of one entry. */
function portFlags(entry: StartupEntry): string[] {
  const clash = entry.flags.find((flag) => flag.startsWith('--grpc-port='));
  if (clash !== undefined) return [`--http-port=${clash.slice('--grpc-port='.length)}`, '--metrics-port=0'];
  return [
    '--http-port=0',
    '--metrics-port=0',
    ...(entry.flags.some((flag) => flag.startsWith('--allow-grpc')) ? [] : ['--allow-grpc=false']),
  ];
}

/**
 * Rows of the `| Model | Version | Status |` table; a long status goes on in rows with empty first cells. */
function modelTable(output: string): StartupResult['models'] {
  const rows: { model: string; version: string; status: string }[] = [];
  let inside = false;
  for (const line of output.split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : [];
    if (cells.length !== 3) {
      if (!line.startsWith('+')) inside = false;
      continue;
    }
    const [model = '', version = '', status = ''] = cells;
    if (model === 'Model' && version === 'Version') inside = true;
    else if (inside && model === '') rows.at(-1)!.status += ` ${status}`;
    else if (inside) rows.push({ model, version, status });
  }
  return rows.filter(({ version }) => version !== '-');
}

/** Error and warning lines without time, thread and line number, as they were recorded. */
function logLines(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.replace(/^([EW])\d{4} \d\d:\d\d:\d\d\.\d+ \d+ ([^:\]]+):\d+\]/, '$1 $2]'))
    .filter((line) => /^[EW] |^error: |^Error: |libprotobuf ERROR|unrecognized option|cannot listen/.test(line));
}

function compareStartup(actual: Started, recorded: StartupResult): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, ours: unknown, theirs: unknown): void => {
    const [oursText, theirsText] = [`${what}: ${JSON.stringify(ours)}`, `${what}: ${JSON.stringify(theirs)}`];
    if (oursText !== theirsText) differences.push({ part: 'startup', recorded: theirsText, ours: oursText });
  };
  compare('started', actual.started, recorded.started);
  compare('ended well', actual.exit === 0, recorded.exit === 0);
  const table = (models: StartupResult['models']) =>
    models.map(({ model, version, status }) => [model, version, maskText(status)]);
  compare('models', table(actual.models), table(recorded.models));
  compare('log', actual.log.map(maskText), recorded.log.map(maskText));
  return differences;
}

/** What the README's list of masks names: ONNX Runtime's own texts after the code, source lines, the program's path. */
function maskText(text: string): string {
  return text
    .replace(/(onnx runtime error \d+: ).*?((?:failed:Protobuf parsing failed\.)?;?"?)$/, '$1<text>$2')
    .replace(/text_format\.cc:\d+/, 'text_format.cc')
    .replace(/^\S*(?:tritonserver|nereid[^:]*): unrecognized/, '<server>: unrecognized');
}
