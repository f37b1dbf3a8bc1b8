import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { replayGrpc } from './grpc-client.ts';
import { compareGrpc } from './grpc-compare.ts';
import { type Difference, differenceReason, exchangeReason, type KnownDifferences } from './known-differences.ts';
import { type Ports, type ServerProcess, startServer } from './server-process.ts';
import { replay } from './transcripts-client.ts';
import { compareResponse, type Places } from './transcripts-compare.ts';
import { buildMultiModel, buildRepository, type ModelSources, modelSources } from './transcripts-repository.ts';
import { replayStartup } from './transcripts-startup.ts';
import type { Exchange, Outcome, RecordedResponse, ServerSetup, StartupEntry } from './transcripts-types.ts';

export interface TranscriptOptions {
  /** Runs only exchanges whose `file: name` matches. */
  readonly only?: RegExp;
  readonly known: KnownDifferences;
  readonly onProgress: (line: string) => void;
}

interface Located {
  readonly file: string;
  readonly exchange: Exchange;
}

/** Replays every recorded exchange of a directory against `nereid serve` and says what each came to. */
export async function runTranscriptConformance(directory: string, options: TranscriptOptions): Promise<Outcome[]> {
  const sources = modelSources(directory);
  const outcomes: Outcome[] = [];
  const located: Located[] = [];
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const { exchanges } = JSON.parse(readFileSync(join(directory, file), 'utf8')) as {
      exchanges: (Exchange | StartupEntry)[];
    };
    for (const exchange of exchanges.filter(({ name }) => options.only?.test(`${file}: ${name}`) ?? true)) {
      if ('result' in exchange)
        outcomes.push(verdict(options.known, file, exchange.name, '', await replayStartup(exchange, sources)));
      else located.push({ file, exchange });
    }
  }
  for (const [setUp, entries] of bySetUp(located)) {
    options.onProgress(`${entries.length} exchanges on ${setUp}`);
    outcomes.push(...(await runSetUp(entries, sources, options)));
  }
  return outcomes;
}

/** Entries that may share a server: those of one group, or those of one set-up that are in no group. */
function bySetUp(located: readonly Located[]): Map<string, Located[]> {
  const sets = new Map<string, Located[]>();
  for (const entry of located) {
    const { server, group } = entry.exchange;
    const key =
      group === undefined
        ? `${server.id} ${JSON.stringify([server.flags, server.models, server.env, server.patch])}`
        : `${server.id} / ${group}`;
    const entries = sets.get(key);
    if (entries === undefined) sets.set(key, [entry]);
    else entries.push(entry);
  }
  return sets;
}

async function runSetUp(
  entries: readonly Located[],
  sources: ModelSources,
  options: TranscriptOptions,
): Promise<Outcome[]> {
  const setup = entries[0]!.exchange.server;
  const root = mkdtempSync(join(tmpdir(), 'nereid-conformance-'));
  const repository = join(root, 'models');
  const leftOut = (detail: string): Outcome[] =>
    entries.map(({ file, exchange }) => ({ file, name: exchange.name, verdict: 'left-out', detail }));
  const failed = (detail: string): Outcome[] =>
    entries.map(({ file, exchange }) => outcome(options.known, file, exchange, [[failure(detail)]]));
  const multiModel = buildMultiModel(setup, sources);
  try {
    if (!multiModel.built) return leftOut('needs to write below /opt/ml/models');
    buildRepository(setup, sources, repository);
    const started = await startServer(serverFlags(setup, repository), setup.env ?? {}, expectedServices(entries));
    if (!('server' in started)) {
      const missing = MISSING_BACKEND.exec(started.output)?.[1];
      if (missing !== undefined) return leftOut(`needs the backend '${missing}'`);
      return failed(`the server did not start (exit code ${started.exitCode}):\n${started.output}`);
    }
    try {
      return await replayAll(entries, started.server, { repository }, options.known);
    } finally {
      await started.server.stop();
    }
  } catch (error) {
    return failed(`the replay broke: ${String(error)}`);
  } finally {
    multiModel.remove();
    rmSync(root, { recursive: true, force: true });
  }
}

const MISSING_BACKEND = /unable to find backend library for backend '([^']*)'/;

function serverFlags(setup: ServerSetup, repository: string): string[] {
  return [
    `--model-repository=${repository}`,
    '--http-address=127.0.0.1',
    '--http-port=0',
    '--grpc-address=127.0.0.1',
    '--grpc-port=0',
    '--metrics-port=0',
    '--sagemaker-port=0',
    ...setup.flags,
  ];
}

function expectedServices(entries: readonly Located[]): (keyof Ports)[] {
  const ports = new Set(entries.map(({ exchange }) => portOf(exchange)));
  // Where the metrics port is missing, only what asks for it is affected.
  ports.delete('metrics');
  return [...ports];
}

async function replayAll(
  entries: readonly Located[],
  server: ServerProcess,
  places: Places,
  known: KnownDifferences,
): Promise<Outcome[]> {
  if (server.ports.metrics === undefined) {
    const [waiting, ready] = [entries.filter(isMetrics), entries.filter((entry) => !isMetrics(entry))];
    const leftOut = waiting.map(({ file, exchange }): Outcome => {
      return { file, name: exchange.name, verdict: 'left-out', detail: 'the server has no metrics port' };
    });
    if (waiting.length > 0) return [...leftOut, ...(await replayAll(ready, server, places, known))];
  }
  const concurrent = entries.some(({ exchange }) => exchange.concurrentInGroup);
  if (concurrent) {
    return Promise.all(
      entries.map(async ({ file, exchange }) => {
        await delay(exchange.startAfterMs ?? 0);
        return outcome(known, file, exchange, await replayOne(exchange, server, places));
      }),
    );
  }
  const outcomes: Outcome[] = [];
  for (const { file, exchange } of entries) {
    await delay(exchange.request.waitMs ?? 0);
    outcomes.push(outcome(known, file, exchange, await replayOne(exchange, server, places)));
  }
  return outcomes;
}

function portOf({ request }: Exchange): keyof Ports {
  return request.path === undefined ? 'grpc' : (request.port ?? 'http');
}

function isMetrics({ exchange }: Located): boolean {
  return exchange.request.port === 'metrics';
}

/** How an exchange differs from what each recorded version answered. */
async function replayOne(exchange: Exchange, server: ServerProcess, places: Places): Promise<Difference[][]> {
  const recorded = [exchange.response, exchange.response_2_73].filter(
    (response): response is RecordedResponse => response !== undefined,
  );
  try {
    const { request } = exchange;
    const port = server.ports[portOf(exchange)];
    if (port === undefined) return [[failure(`no ${portOf(exchange)} port`)]];
    if (request.path === undefined) {
      const answer = await replayGrpc(request, '127.0.0.1', port);
      return recorded.map((response) => compareGrpc(answer, response, request.method, places));
    }
    const { path } = request;
    const actual = await replay(request, '127.0.0.1', port);
    return recorded.map((response) => compareResponse(actual, response, path, places));
  } catch (error) {
    return [[failure(String(error))]];
  }
}

function outcome(
  known: KnownDifferences,
  file: string,
  exchange: Exchange,
  candidates: readonly (readonly Difference[])[],
): Outcome {
  return verdict(known, file, exchange.name, exchange.request.method, candidates);
}

/** Something that went wrong instead of an answer. */
function failure(ours: string): Difference {
  return { part: 'status', recorded: 'an answer', ours };
}

function verdict(
  known: KnownDifferences,
  file: string,
  name: string,
  method: string,
  candidates: readonly (readonly Difference[])[],
): Outcome {
  const wholeReason = exchangeReason(known, file, name);
  const unexplainedIn = (differences: readonly Difference[]) =>
    differences.filter((difference) => differenceReason(known, difference, method) === undefined);
  // The recorded version that ours is closest to.
  const [differences = [failure('nothing was recorded for this exchange')]] = candidates.toSorted(
    (a, b) => unexplainedIn(a).length - unexplainedIn(b).length || a.length - b.length,
  );
  if (differences.length === 0) {
    if (wholeReason === undefined) return { file, name, verdict: 'passed' };
    const detail = `listed as a known difference, but equal now: remove it from the list (${wholeReason})`;
    return { file, name, verdict: 'failed', detail };
  }
  const reasons = differences.map((difference) => wholeReason ?? differenceReason(known, difference, method));
  if (reasons.every((reason) => reason !== undefined)) {
    return { file, name, verdict: 'known-difference', detail: [...new Set(reasons)].join('; ') };
  }
  return { file, name, verdict: 'failed', detail: unexplainedIn(differences).map(describe).join('\n      ') };
}

function describe({ part, recorded, ours }: Difference): string {
  return `${part}: ${shorten(ours)}\n      recorded: ${shorten(recorded)}`;
}

function shorten(text: string): string {
  return text.length <= 700
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, 700))}… (${text.length} characters)`;
}

/** True when `directory` holds transcripts. */
export function isTranscriptDirectory(directory: string): boolean {
  return (
    basename(directory) === 'triton-transcripts' ||
    existsSync(join(directory, 'startup.json')) ||
    existsSync(join(directory, 'infer-json.json'))
  );
}
