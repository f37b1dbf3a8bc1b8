/** Nanoseconds of the monotonic clock that `ExecutionBatch`'s marks are in. */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
