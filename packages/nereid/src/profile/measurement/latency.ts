/** Latencies of one measurement, in microseconds. */
export interface LatencySummary {
  readonly averageMicros: number;
  /** By percentage: 50, 90, 95, 99 and what was asked for. */
  readonly percentiles: ReadonlyMap<number, number>;
}

export const PERCENTILES = [50, 90, 95, 99] as const;

/** `NaN` for no latencies. Percentiles are nearest-rank: the smallest latency that at least that share does not exceed. */
export function summarizeLatencies(micros: readonly number[], percentiles: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(micros).sort();
  const rank = (percentage: number) => Math.max(0, Math.ceil((percentage / 100) * sorted.length) - 1);
  return {
    averageMicros: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    percentiles: new Map(percentiles.map((percentage) => [percentage, sorted[rank(percentage)] ?? Number.NaN])),
  };
}
