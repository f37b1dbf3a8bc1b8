import type { Load, Sample } from '../load/target.ts';
import { type LatencySummary, PERCENTILES, summarizeLatencies } from './latency.ts';
import { type ServerCounters, type ServerTimes, serverTimes } from './server-statistics.ts';
import { isStable, STABLE_WINDOWS, type WindowFigures } from './stability.ts';

export interface MeasurementOptions {
  /** Length of a window. */
  readonly windowMs: number;
  readonly stabilityPercentage: number;
  /** Windows at most; what the last three say is reported all the same. */
  readonly maxTrials: number;
  /** The percentile that has to be stable; the average when not given. */
  readonly percentile?: number | undefined;
  /** Inferences in a request. */
  readonly batchSize: number;
  /** Requests that a window must have seen; a window goes on until then. */
  readonly minRequests: number;
}

export interface Measurement {
  readonly inferencesPerSecond: number;
  readonly latency: LatencySummary;
  readonly server: ServerTimes;
  readonly stable: boolean;
  readonly requests: number;
  readonly failures: number;
  /** Text of one of the failures. */
  readonly failure: string | undefined;
}

export interface MeasurementContext {
  readonly load: Load;
  counters(): Promise<ServerCounters>;
  pause(ms: number): Promise<void>;
  /** Called after each window. */
  onWindow(window: WindowFigures, trial: number): void;
}

interface Window {
  readonly seconds: number;
  readonly samples: readonly Sample[];
  readonly before: ServerCounters;
  readonly after: ServerCounters;
}

/** A window that saw too few requests is prolonged at most this often. */
const MAX_PROLONGATIONS = 10;

/**
 * Measures a load that runs already, with perf_analyzer's method: window after window until three in a row agree in throughput and latency. Those
 * three together are the result. Throws Error when no request is answered.
 */
export async function measure(context: MeasurementContext, options: MeasurementOptions): Promise<Measurement> {
  const windows: Window[] = [];
  const figures: WindowFigures[] = [];
  context.load.drain();
  let before = await context.counters();
  while (windows.length < options.maxTrials && !isStable(figures, options.stabilityPercentage)) {
    const window = await measureWindow(context, options, before);
    before = window.after;
    windows.push(window);
    const { inferencesPerSecond, latency } = summarize([window], options);
    const latencyMicros =
      options.percentile === undefined ? latency.averageMicros : latency.percentiles.get(options.percentile)!;
    figures.push({ inferencesPerSecond, latencyMicros });
    context.onWindow(figures.at(-1)!, windows.length);
  }
  const stable = isStable(figures, options.stabilityPercentage);
  return { ...summarize(windows.slice(-STABLE_WINDOWS), options), stable };
}

async function measureWindow(
  { load, counters, pause }: MeasurementContext,
  { windowMs, minRequests }: MeasurementOptions,
  before: ServerCounters,
): Promise<Window> {
  const startMs = performance.now();
  const samples: Sample[] = [];
  for (let part = 0; part < MAX_PROLONGATIONS && samples.length < Math.max(1, minRequests); part++) {
    await pause(windowMs);
    samples.push(...load.drain());
  }
  const seconds = (performance.now() - startMs) / 1000;
  if (samples.length === 0) {
    throw new Error(`no request was answered within ${seconds.toFixed(1)} s; measure longer or ask for less`);
  }
  return { seconds, samples, before, after: await counters() };
}

function summarize(windows: readonly Window[], options: MeasurementOptions): Omit<Measurement, 'stable'> {
  const samples = windows.flatMap((window) => window.samples);
  const good = samples.filter(({ error }) => error === undefined);
  const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
  const percentiles = new Set([...PERCENTILES, ...(options.percentile === undefined ? [] : [options.percentile])]);
  return {
    inferencesPerSecond: (good.length * options.batchSize) / seconds,
    latency: summarizeLatencies(
      good.map(({ startMs, endMs }) => (endMs - startMs) * 1000),
      [...percentiles],
    ),
    server: serverTimes(windows[0]!.before, windows.at(-1)!.after),
    requests: good.length,
    failures: samples.length - good.length,
    failure: samples.find(({ error }) => error !== undefined)?.error,
  };
}
