/** What decides whether a window was like those before it. */
export interface WindowFigures {
  readonly inferencesPerSecond: number;
  /** The average, or the percentile that was asked for. */
  readonly latencyMicros: number;
}

/** Windows that must agree, as with perf_analyzer. */
export const STABLE_WINDOWS = 3;

/** Whether the last three windows agree: the largest of both figures is within `percentage` of the smallest. */
export function isStable(windows: readonly WindowFigures[], percentage: number): boolean {
  if (windows.length < STABLE_WINDOWS) return false;
  const last = windows.slice(-STABLE_WINDOWS);
  const within = (values: readonly number[]) => {
    const smallest = Math.min(...values);
    return smallest > 0 && Math.max(...values) / smallest <= 1 + percentage / 100;
  };
  return (
    within(last.map(({ inferencesPerSecond }) => inferencesPerSecond)) &&
    within(last.map(({ latencyMicros }) => latencyMicros))
  );
}
