/** What `perf_analyzer` printed of one load level. */
export interface PerfReport {
  readonly requestCount: number;
  /** Inferences per second. */
  readonly throughput: number;
  /** Average as the client saw it. */
  readonly latencyUs: number;
  /** Taken from the server's statistics. */
  readonly server: ServerReport | undefined;
}

export interface ServerReport {
  readonly inferenceCount: number;
  readonly executionCount: number;
  readonly latencyUs: number;
  /** Overhead, queue, compute input, infer and output; for an ensemble of the whole of it. */
  readonly partsUs: readonly number[];
}

/** Throws an Error that names the figure that is missing. */
export function parseReport(output: string): PerfReport {
  return {
    requestCount: figure(output, 'Request count: '),
    throughput: figure(output, '  Throughput: '),
    latencyUs: figure(output, 'Avg latency: '),
    server: /\n {2}Server: *\n/.test(output) ? serverReport(output.slice(output.indexOf('\n  Server:'))) : undefined,
  };
}

function serverReport(text: string): ServerReport {
  const line = /Avg request latency: \d+ usec \((.*)\)/.exec(text)?.[1] ?? '';
  return {
    inferenceCount: figure(text, 'Inference count: '),
    executionCount: figure(text, 'Execution count: '),
    latencyUs: figure(text, 'Avg request latency: '),
    partsUs: [...line.matchAll(/(\d+) usec/g)].map(([, us]) => Number(us)),
  };
}

function figure(text: string, label: string): number {
  const start = text.indexOf(label);
  const value = Number.parseFloat(text.slice(start + label.length));
  if (start < 0 || Number.isNaN(value)) throw new Error(`there is no '${label.trim()}'`);
  return value;
}
