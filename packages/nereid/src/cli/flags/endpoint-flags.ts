import {
  aboveZero,
  BOOLEAN,
  BYTE_SIZE,
  flag,
  integer,
  numberPair,
  OPTIONAL_BOOLEAN,
  PATTERN,
  PORT,
  STRING,
} from './kinds.ts';
import { PLAIN_SETTINGS, type Restrictions, restrictions } from './settings.ts';
import { TRACE_SETTINGS, type TraceFlagSetting } from './trace-settings.ts';

const ONE_LOOP = 'connections are served by an event loop, not by a pool of threads';
const NO_VERTEX = 'there is no Vertex AI front end';

const NO_RESTRICTIONS: Restrictions = new Map();
const NO_TRACE_SETTINGS: readonly TraceFlagSetting[] = [];
const NO_PLAIN_SETTINGS: ReadonlyMap<string, string> = new Map();

/** HTTP, SageMaker, Vertex AI, metrics and tracing. */
export const ENDPOINT_FLAGS = {
  'allow-http': flag({ group: 'HTTP', kind: BOOLEAN, default: true, help: 'Listen for HTTP requests.' }),
  'http-address': flag({
    group: 'HTTP',
    kind: STRING,
    default: '0.0.0.0',
    help: 'Address the HTTP server listens at.',
  }),
  'http-port': flag({
    group: 'HTTP',
    kind: PORT,
    default: 8000,
    help: 'Port of the HTTP server; 0 takes a free one and the log says which.',
  }),
  'reuse-http-port': flag({
    group: 'HTTP',
    kind: BOOLEAN,
    default: false,
    help: 'Several servers may listen at the same HTTP port when all of them have this flag.',
  }),
  'http-header-forward-pattern': flag({
    group: 'HTTP',
    kind: PATTERN,
    default: '',
    help: 'Regular expression: headers whose name it matches anywhere, in any case, become parameters of the inference request.',
  }),
  'http-thread-count': flag({
    group: 'HTTP',
    kind: integer(),
    default: 8,
    help: 'Threads for HTTP requests.',
    ignored: ONE_LOOP,
  }),
  'http-max-input-size': flag({
    group: 'HTTP',
    kind: aboveZero(BYTE_SIZE),
    default: 64 * 1024 * 1024,
    help: 'Bytes a request body may have, before and after decompression.',
  }),
  'http-restricted-api': flag({
    group: 'HTTP',
    kind: restrictions('api', ''),
    default: NO_RESTRICTIONS,
    defaultText: 'none',
    help: 'Routes that need a header: <apis>:<header>=<value>, apis being health, metadata, inference, shared-memory, model-config, model-repository, statistics, trace, logging.',
  }),

  'allow-sagemaker': flag({
    group: 'SageMaker',
    kind: BOOLEAN,
    default: false,
    help: "Listen as SageMaker's containers do: /ping, /invocations, /models.",
  }),
  'sagemaker-port': flag({
    group: 'SageMaker',
    kind: PORT,
    default: 8080,
    help: 'Port of the SageMaker front end; 0 takes a free one.',
  }),
  'sagemaker-safe-port-range': flag({
    group: 'SageMaker',
    kind: numberPair('-'),
    default: undefined,
    defaultText: 'any',
    help: 'Ports that the other front ends may use, as SageMaker tells its containers.',
  }),
  'sagemaker-thread-count': flag({
    group: 'SageMaker',
    kind: integer(),
    default: 8,
    help: 'Threads for SageMaker requests.',
    ignored: ONE_LOOP,
  }),

  'allow-vertex-ai': flag({
    group: 'Vertex AI',
    kind: OPTIONAL_BOOLEAN,
    default: undefined,
    defaultText: 'false',
    help: 'Listen for Vertex AI requests.',
    ignored: NO_VERTEX,
  }),
  'vertex-ai-port': flag({
    group: 'Vertex AI',
    kind: PORT,
    default: 8080,
    help: 'Port of the Vertex AI front end.',
    ignored: NO_VERTEX,
  }),
  'vertex-ai-thread-count': flag({
    group: 'Vertex AI',
    kind: integer(),
    default: 8,
    help: 'Threads for Vertex AI requests.',
    ignored: NO_VERTEX,
  }),
  'vertex-ai-default-model': flag({
    group: 'Vertex AI',
    kind: STRING,
    default: '',
    help: 'Model that Vertex AI requests go to.',
    ignored: NO_VERTEX,
  }),

  'allow-metrics': flag({
    group: 'Metrics',
    kind: BOOLEAN,
    default: true,
    help: 'Serve Prometheus metrics at /metrics.',
  }),
  'allow-gpu-metrics': flag({
    group: 'Metrics',
    kind: BOOLEAN,
    default: true,
    help: 'Metrics of GPUs.',
    ignored: 'no GPU is used',
  }),
  'allow-cpu-metrics': flag({
    group: 'Metrics',
    kind: BOOLEAN,
    default: true,
    help: 'Metrics of processor and memory.',
  }),
  'metrics-address': flag({
    group: 'Metrics',
    kind: STRING,
    default: '',
    defaultText: 'that of --http-address',
    help: 'Address the metrics server listens at.',
  }),
  'metrics-port': flag({
    group: 'Metrics',
    kind: PORT,
    default: 8002,
    help: 'Port of the metrics server; 0 takes a free one.',
  }),
  'metrics-interval-ms': flag({
    group: 'Metrics',
    kind: integer(),
    default: 2000,
    help: 'Milliseconds between two readings of processor and memory.',
  }),
  'metrics-config': flag({
    group: 'Metrics',
    kind: PLAIN_SETTINGS,
    default: NO_PLAIN_SETTINGS,
    defaultText: 'none',
    help: 'Setting of the metrics: counter_latencies=false leaves the durations out. May be given several times.',
  }),

  'trace-config': flag({
    group: 'Tracing',
    kind: TRACE_SETTINGS,
    default: NO_TRACE_SETTINGS,
    defaultText: 'none',
    help: 'Setting of the traces (level, rate, count, mode), or of one trace mode: triton,file=<path>, opentelemetry,url=<url> (docs/observability.md).',
  }),
} as const;
