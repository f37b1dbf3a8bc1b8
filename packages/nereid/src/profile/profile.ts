import { writeFileSync } from 'node:fs';
import { describeModel, type ModelDescription } from './input/model-inputs.ts';
import { makeTarget } from './input/requests.ts';
import { closedLoop } from './load/closed-loop.ts';
import { openLoop } from './load/open-loop.ts';
import type { Load, LoadTarget } from './load/target.ts';
import { type Measurement, measure } from './measurement/measure.ts';
import { readCounters } from './measurement/server-statistics.ts';
import type { ProfileOptions } from './options.ts';
import { startOwnServer } from './own-server.ts';
import { ProgressBar } from './progress-bar.ts';
import { seededRandom } from './random.ts';
import { type LoadKind, type ReportRow, renderCsv, renderTable } from './report.ts';
import { runSearch } from './search/run-search.ts';
import { ServerApi } from './server-api.ts';

/** Requests a window must see for its percentiles to mean something; perf_analyzer's number for windows by count. */
const MIN_REQUESTS = 50;
const PROGRESS_INTERVAL_MS = 200;

/**
 * Measures a model under load and prints what it found; with a search it also writes the best configuration.
 * @throws Error with the server's own words when it refuses, or when nothing is answered
 */
export async function profile(options: ProfileOptions, print: (text: string) => void): Promise<void> {
  const own =
    'url' in options.server
      ? undefined
      : await startOwnServer(options.server.entryPoint, options.server.repository, options.model);
  try {
    const url = own?.url ?? ('url' in options.server ? options.server.url : '');
    const api = new ServerApi(url, options.model, options.version);
    const session = new ProfileSession(options, api, await describeModel(api, options.shapes));
    if (options.search === undefined) await session.sweep(print);
    else await runSearch(session, options.search, print);
  } finally {
    await own?.stop();
  }
}

/** One run of the command against one server. */
export class ProfileSession {
  readonly options: ProfileOptions;
  readonly api: ServerApi;
  readonly model: ModelDescription;
  readonly #target: LoadTarget;

  constructor(options: ProfileOptions, api: ServerApi, model: ModelDescription) {
    const { inputData: source, batchSize, sequenceLength, seed } = options;
    this.options = options;
    this.api = api;
    this.model = model;
    this.#target = makeTarget(api, model, { source, batchSize, sequenceLength, random: seededRandom(seed) });
  }

  get loadKind(): LoadKind {
    return this.options.load.kind === 'concurrency' ? 'Concurrency' : 'Request Rate';
  }

  /** Measures each value of the load. */
  async sweep(print: (text: string) => void): Promise<void> {
    const { load } = this.options;
    const bar = new ProgressBar(load.values.length);
    const rows: ReportRow[] = [];
    for (const value of load.values) {
      const measurement = await this.measureAt(value, bar, `${this.loadKind.toLowerCase()} ${value}`);
      rows.push({ load: value, settings: {}, measurement });
    }
    bar.clear();
    this.report(rows, print);
  }

  report(rows: readonly ReportRow[], print: (text: string) => void): void {
    const { csvFile } = this.options;
    print(renderTable(this.loadKind, rows));
    const failure = rows.find(({ measurement }) => measurement.failure !== undefined)?.measurement.failure;
    if (failure !== undefined) print(`\nOne of the failures: ${failure}`);
    if (csvFile === undefined) return;
    writeFileSync(csvFile, renderCsv(this.loadKind, rows));
    print(`\nWritten to ${csvFile}`);
  }

  /** Measures the model as it is loaded now. */
  async measureAt(value: number, bar: ProgressBar, title: string): Promise<Measurement> {
    const { windowMs, stabilityPercentage, maxTrials, percentile, batchSize } = this.options;
    const load = this.#start(value);
    let text = '';
    try {
      const measurement = await measure(
        {
          load,
          counters: () => readCounters(this.api),
          onWindow: ({ inferencesPerSecond }, trial) => {
            text = `, window ${trial}: ${inferencesPerSecond.toFixed(0)} infer/s`;
          },
          pause: (ms) => pauseWithProgress(ms, (fraction) => bar.update(`${title}${text}`, fraction / maxTrials)),
        },
        { windowMs, stabilityPercentage, maxTrials, percentile, batchSize, minRequests: MIN_REQUESTS },
      );
      bar.advance(`${title}: ${measurement.inferencesPerSecond.toFixed(0)} infer/s`);
      return measurement;
    } finally {
      await load.stop();
    }
  }

  #start(value: number): Load {
    const { load, maxConnections, seed } = this.options;
    if (load.kind === 'concurrency') return closedLoop(this.#target, value);
    const { distribution } = load;
    return openLoop(this.#target, {
      requestsPerSecond: value,
      distribution,
      random: seededRandom(seed),
      maxConnections,
    });
  }
}

async function pauseWithProgress(ms: number, report: (fraction: number) => void): Promise<void> {
  const startMs = performance.now();
  for (let elapsedMs = 0; elapsedMs < ms; elapsedMs = performance.now() - startMs) {
    report(elapsedMs / ms);
    await new Promise((resolve) => setTimeout(resolve, Math.min(PROGRESS_INTERVAL_MS, ms - elapsedMs)));
  }
}
