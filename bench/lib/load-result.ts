/** What a load generator measured. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export type AnswerHandler = (micros: number, ok: boolean) => void;

/** Opens the connections of a closed-loop generator, lets them work for the warm-up and counts the answers of the time behind it. */
export async function measureLoad(
  task: { readonly connections: number; readonly warmUpMs: number; readonly measureMs: number },
  open: (onAnswer: AnswerHandler) => { stop(): void },
): Promise<LoadResult> {
  const latencies: number[] = [];
  let errors = 0;
  let measuring = false;
  const onAnswer: AnswerHandler = (micros, ok) => {
    if (!measuring) return;
    if (ok) latencies.push(micros);
    else errors += 1;
  };
  const connections = Array.from({ length: task.connections }, () => open(onAnswer));
  await pause(task.warmUpMs);
  measuring = true;
  const start = performance.now();
  await pause(task.measureMs);
  measuring = false;
  const seconds = (performance.now() - start) / 1000;
  for (const connection of connections) connection.stop();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? Number.NaN;
  return { requests: latencies.length, errors, seconds, p50Micros: quantile(0.5), p99Micros: quantile(0.99) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
