import type { Measurement } from '../measurement/measure.ts';
import type { Candidate, SearchSpace } from './candidate.ts';

export interface Trial {
  readonly candidate: Candidate;
  readonly measurement: Measurement;
}

export interface SearchOptions {
  readonly space: SearchSpace;
  readonly start: Candidate;
  /** A candidate above it is no solution; undefined: any latency will do. */
  readonly latencyBudgetMicros: number | undefined;
  /** Which percentile the budget is about. */
  readonly percentile: number;
  measure(candidate: Candidate): Promise<Measurement>;
}

export interface SearchResult {
  readonly trials: readonly Trial[];
  readonly best: Trial;
}

/** A setting has to gain this much to be taken: less is noise, and what is configured already has reasons of its own. */
const MIN_GAIN = 1.03;
const MEMBERS = ['queueDelay', 'instances', 'threads', 'preferredBatchSizes'] as const;

/**
 * Looks for the highest throughput within the latency budget: one setting at a time, each value of it with the best of the others, until
 * no setting gains anything. No candidate is measured twice.
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { space, start } = options;
  const trials = new Map<string, Trial>();
  const tryOut = async (candidate: Candidate): Promise<Trial> => {
    const key = JSON.stringify(candidate);
    let trial = trials.get(key);
    if (trial === undefined) {
      trial = { candidate, measurement: await options.measure(candidate) };
      trials.set(key, trial);
    }
    return trial;
  };
  let best = await tryOut(start);
  for (let improved = true; improved; ) {
    improved = false;
    for (const member of MEMBERS) {
      for (const value of space[member]) {
        const candidate = normalize({ ...best.candidate, [member]: value });
        const trial = await tryOut(candidate);
        if (!isBetter(trial, best, options)) continue;
        best = trial;
        improved = true;
      }
    }
  }
  return { trials: [...trials.values()], best };
}

/** Upper bound of what a search measures in one round, for a progress bar. */
export function roundSize(space: SearchSpace): number {
  return 1 + MEMBERS.reduce((sum, member) => sum + space[member].length, 0);
}

/** Without dynamic batching there are no preferred sizes. */
function normalize(candidate: Candidate): Candidate {
  return candidate.queueDelay === 'off' ? { ...candidate, preferredBatchSizes: [] } : candidate;
}

function isBetter(trial: Trial, best: Trial, options: SearchOptions): boolean {
  const [excess, bestExcess] = [budgetExcess(trial, options), budgetExcess(best, options)];
  if (excess !== bestExcess) return excess < bestExcess;
  return trial.measurement.inferencesPerSecond > best.measurement.inferencesPerSecond * MIN_GAIN;
}

/** By how much the latency is above the budget; 0 within it. A trial with failures is worse than any without. */
function budgetExcess({ measurement }: Trial, { latencyBudgetMicros, percentile }: SearchOptions): number {
  if (measurement.failures > 0) return Number.POSITIVE_INFINITY;
  if (latencyBudgetMicros === undefined) return 0;
  return Math.max(
    0,
    (measurement.latency.percentiles.get(percentile) ?? Number.POSITIVE_INFINITY) - latencyBudgetMicros,
  );
}
