import type { PerfReport } from './report.ts';

/** One start of `perf_analyzer`. */
export interface PerfCase {
  readonly name: string;
  /** `DATA/…` stands for a file of `INPUT_DATA`. */
  readonly args: readonly string[];
  readonly protocol: 'http' | 'grpc';
  /** How many requests it was told to send; undefined where it stops by itself, when its figures are stable. */
  readonly requestCount?: number;
  /** Items in a request. */
  readonly batchSize?: number;
  /** Its latency is the first response's, the server's the last one's. */
  readonly decoupled?: true;
}

/**
 * Ends when the figures of three windows of 0.4 s lie close together. The bounds are wide: what is tested is that it gets figures, on any
 * machine, not how quiet that machine is.
 */
const STABLE = ['-p', '400', '-s', '90', '-r', '60'];
const COUNT = 200;
const FIXED = ['--request-count', String(COUNT)];

const SIXTEEN = Array.from({ length: 16 }, (_, index) => index);
const ONES = SIXTEEN.map(() => 1);

/** Files for `--input-data`. With `validation_data`, `perf_analyzer` compares the outputs. */
export const INPUT_DATA: Readonly<Record<string, unknown>> = {
  'add-sub.json': {
    data: [{ INPUT0: SIXTEEN, INPUT1: ONES }],
    validation_data: [{ OUTPUT0: SIXTEEN.map((value) => value + 1), OUTPUT1: SIXTEEN.map((value) => value - 1) }],
  },
  'text.json': { data: [{ INPUT0: SIXTEEN.map(String), INPUT1: ONES.map(String) }] },
  'sequences.json': {
    data: [
      [{ INPUT: [1] }, { INPUT: [2] }, { INPUT: [3] }],
      [{ INPUT: [4] }, { INPUT: [5] }],
    ],
  },
  'repeat.json': {
    data: [{ IN: { content: [1, 2, 3], shape: [3] }, DELAY: { content: [0, 0, 0], shape: [3] }, WAIT: [0] }],
  },
};

export const PERF_CASES: readonly PerfCase[] = [
  ...both('simple, stable figures', ['-m', 'simple', ...STABLE], {}),
  {
    name: 'simple, asynchronous, 4 at a time, stable figures, HTTP',
    args: ['-m', 'simple', '--async', '--concurrency-range', '4', ...STABLE],
    protocol: 'http',
  },
  {
    name: 'simple on streams, 4 at a time, stable figures, gRPC',
    args: ['-m', 'simple', '--streaming', '--async', '--concurrency-range', '4', ...STABLE],
    protocol: 'grpc',
  },
  ...both(
    'simple at 200 requests a second, stable figures',
    ['-m', 'simple', '--request-rate-range', '200', ...STABLE],
    {},
  ),
  ...both('simple, system shared memory', ['-m', 'simple', '--shared-memory', 'system', ...FIXED], {
    requestCount: COUNT,
  }),
  ...both('simple, batches of 8', ['-m', 'simple', '-b', '8', ...FIXED], { requestCount: COUNT, batchSize: 8 }),
  ...both(
    'simple, inputs and expected outputs from a file',
    ['-m', 'simple', '--input-data', 'DATA/add-sub.json', ...FIXED],
    { requestCount: COUNT },
  ),
  {
    name: 'simple, tensors as JSON, HTTP',
    args: ['-m', 'simple', '--input-tensor-format', 'json', '--output-tensor-format', 'json', ...FIXED],
    protocol: 'http',
    requestCount: COUNT,
  },
  {
    name: 'simple, gzip, gRPC',
    args: ['-m', 'simple', '--grpc-compression-algorithm', 'gzip', ...FIXED],
    protocol: 'grpc',
    requestCount: COUNT,
  },
  ...both('simple_string, inputs from a file', ['-m', 'simple_string', '--input-data', 'DATA/text.json', ...FIXED], {
    requestCount: COUNT,
  }),
  ...both('an ensemble', ['-m', 'simple_ensemble', ...FIXED], { requestCount: COUNT }),
  {
    name: 'simple_sequence, 4 sequences of 5, 300 requests a second, stable figures, HTTP',
    args: [
      '-m',
      'simple_sequence',
      '--num-of-sequences',
      '4',
      '--serial-sequences',
      '--sequence-length',
      '5',
      '--request-rate-range',
      '300',
      ...STABLE,
    ],
    protocol: 'http',
  },
  {
    name: 'simple_sequence on streams, 4 sequences of 5, gRPC',
    args: [
      '-m',
      'simple_sequence',
      '--streaming',
      '--async',
      '--concurrency-range',
      '4',
      '--sequence-length',
      '5',
      ...FIXED,
    ],
    protocol: 'grpc',
    requestCount: COUNT,
  },
  {
    name: 'simple_dyna_sequence on streams, sequences from a file, gRPC',
    args: [
      '-m',
      'simple_dyna_sequence',
      '--streaming',
      '--async',
      '--concurrency-range',
      '2',
      '--input-data',
      'DATA/sequences.json',
      '-p',
      '400',
      '-s',
      '90',
      '-r',
      '60',
    ],
    protocol: 'grpc',
  },
  {
    name: 'repeat_int32, decoupled, gRPC',
    args: ['-m', 'repeat_int32', '--streaming', '--async', '--input-data', 'DATA/repeat.json', ...FIXED],
    protocol: 'grpc',
    requestCount: COUNT,
    decoupled: true,
  },
];

function both(name: string, args: readonly string[], rest: Omit<PerfCase, 'name' | 'args' | 'protocol'>): PerfCase[] {
  return (['http', 'grpc'] as const).map((protocol) => ({
    name: `${name}, ${protocol === 'http' ? 'HTTP' : 'gRPC'}`,
    args,
    protocol,
    ...rest,
  }));
}

/** What is wrong with the figures; undefined when nothing is. */
export function problemOf(
  { requestCount, batchSize = 1, decoupled }: PerfCase,
  report: PerfReport,
): string | undefined {
  const { server } = report;
  if (!(report.throughput > 0)) return `the throughput is ${report.throughput}`;
  if (!(report.latencyUs > 0)) return `the latency is ${report.latencyUs}`;
  if (server === undefined) return 'there are no figures of the server';
  if (requestCount !== undefined && report.requestCount !== requestCount)
    return `${report.requestCount} requests were counted`;
  if (requestCount !== undefined && !isAbout(server.inferenceCount, requestCount * batchSize)) {
    return `the server counted ${server.inferenceCount} inferences`;
  }
  if (server.executionCount < 1 || server.executionCount * batchSize > server.inferenceCount) {
    return `the server counted ${server.executionCount} executions of ${server.inferenceCount} inferences`;
  }
  if (decoupled !== true && server.latencyUs > 1.5 * report.latencyUs) {
    return `the server says ${server.latencyUs} us, the client ${report.latencyUs} us`;
  }
  const parts = server.partsUs.reduce((sum, us) => sum + us, 0);
  // Every part is cut to whole microseconds.
  const rounding = server.partsUs.length + 1;
  if (Math.abs(parts - server.latencyUs) > rounding) return `the parts make ${parts} us of ${server.latencyUs} us`;
  return undefined;
}

/** The first requests may be gone before `perf_analyzer` asks for the statistics that it subtracts. */
function isAbout(count: number, expected: number): boolean {
  return count <= expected && count >= 0.9 * expected;
}
