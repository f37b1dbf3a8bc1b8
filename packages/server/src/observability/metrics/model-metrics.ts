import type { FailureReason, ModelStatistics } from '../../inference/index.ts';
import type { StepStatistics } from '../step-recorder.ts';
import type { Labels, MetricFamily, Sample } from './exposition.ts';

/** What the page says about one model version. */
export interface ModelMetricsSource {
  readonly statistics: ModelStatistics;
  readonly failures: Readonly<Record<FailureReason, number>>;
  /** Requests that wait in the scheduler. */
  readonly pendingCount: number;
  readonly loadSeconds: number;
  readonly usesCache: boolean;
  /** The model's repository, with `--model-namespacing`. */
  readonly namespace: string | undefined;
  /** `metric_tags` of the configuration. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of an ensemble. */
  readonly steps: readonly StepStatistics[];
}

interface ModelFamily {
  readonly name: string;
  readonly help: string;
  readonly type?: 'gauge';
  /** Part of `--metrics-config counter_latencies`. */
  readonly isLatency?: true;
  readonly onlyCached?: true;
  value(source: ModelMetricsSource): number;
}

const REASONS: readonly FailureReason[] = ['OTHER', 'BACKEND', 'CANCELED', 'REJECTED'];

const micros = (ns: number): number => Math.floor(ns / 1000);

/** In Triton's order. Failures have a family of their own between the first two. */
const FAMILIES: readonly ModelFamily[] = [
  {
    name: 'nv_inference_request_success',
    help: 'Number of successful inference requests, all batch sizes',
    value: ({ statistics }) => statistics.success.count,
  },
  {
    name: 'nv_inference_count',
    help: 'Number of inferences performed (does not include cached requests)',
    value: ({ statistics }) => statistics.inferenceCount,
  },
  {
    name: 'nv_inference_exec_count',
    help: 'Number of model executions performed (does not include cached requests)',
    value: ({ statistics }) => statistics.executionCount,
  },
  {
    name: 'nv_inference_request_duration_us',
    help: 'Cumulative inference request duration in microseconds (includes cached requests)',
    isLatency: true,
    value: ({ statistics }) => micros(statistics.success.ns),
  },
  {
    name: 'nv_inference_queue_duration_us',
    help: 'Cumulative inference queuing duration in microseconds (includes cached requests)',
    isLatency: true,
    value: ({ statistics }) => micros(statistics.queue.ns),
  },
  {
    name: 'nv_inference_compute_input_duration_us',
    help: 'Cumulative compute input duration in microseconds (does not include cached requests)',
    isLatency: true,
    value: ({ statistics }) => micros(statistics.computeInput.ns),
  },
  {
    name: 'nv_inference_compute_infer_duration_us',
    help: 'Cumulative compute inference duration in microseconds (does not include cached requests)',
    isLatency: true,
    value: ({ statistics }) => micros(statistics.computeInfer.ns),
  },
  {
    name: 'nv_inference_compute_output_duration_us',
    help: 'Cumulative inference compute output duration in microseconds (does not include cached requests)',
    isLatency: true,
    value: ({ statistics }) => micros(statistics.computeOutput.ns),
  },
  {
    name: 'nv_cache_num_hits_per_model',
    help: 'Number of cache hits per model',
    onlyCached: true,
    value: ({ statistics }) => statistics.cacheHit.count,
  },
  {
    name: 'nv_cache_hit_duration_per_model',
    help: 'Total cache hit duration per model, in microseconds',
    onlyCached: true,
    value: ({ statistics }) => micros(statistics.cacheHit.ns),
  },
  {
    name: 'nv_cache_num_misses_per_model',
    help: 'Number of cache misses per model',
    onlyCached: true,
    value: ({ statistics }) => statistics.cacheMiss.count,
  },
  {
    name: 'nv_cache_miss_duration_per_model',
    help: 'Total cache miss (insert+lookup) duration per model, in microseconds',
    onlyCached: true,
    value: ({ statistics }) => micros(statistics.cacheMiss.ns),
  },
  {
    name: 'nv_inference_pending_request_count',
    help: 'Instantaneous number of pending requests awaiting execution per-model.',
    type: 'gauge',
    value: ({ pendingCount }) => pendingCount,
  },
  {
    name: 'nv_model_load_duration_secs',
    help: 'Model load time in seconds',
    type: 'gauge',
    value: ({ loadSeconds }) => loadSeconds,
  },
];

export function modelFamilies(
  sources: readonly ModelMetricsSource[],
  options: { readonly latencies: boolean },
): MetricFamily[] {
  const families = FAMILIES.filter(({ isLatency }) => options.latencies || isLatency !== true).map(
    (family): MetricFamily => ({
      name: family.name,
      help: family.help,
      type: family.type ?? 'counter',
      samples: sources
        .filter(({ usesCache }) => usesCache || family.onlyCached !== true)
        .map((source): Sample => ({ labels: modelLabels(source), value: family.value(source) })),
    }),
  );
  families.splice(1, 0, failureFamily(sources));
  return families;
}

/** All four reasons are always there. */
function failureFamily(sources: readonly ModelMetricsSource[]): MetricFamily {
  return {
    name: 'nv_inference_request_failure',
    help: 'Number of failed inference requests, all batch sizes',
    type: 'counter',
    samples: sources.flatMap((source) =>
      REASONS.map((reason) => ({ labels: modelLabels(source, reason), value: source.failures[reason] })),
    ),
  };
}

/** A tag whose name Prometheus would not take is left out. */
const TAG_NAME = /^[a-zA-Z0-9_]+$/;

/** Sorted by name, as Triton's maps are; tags are marked by an underscore. */
export function modelLabels({ statistics, namespace, tags }: ModelMetricsSource, reason?: FailureReason): Labels {
  const labels: (readonly [string, string])[] = Object.entries(tags)
    .filter(([name]) => TAG_NAME.test(name))
    .map(([name, value]) => [`_${name}`, value]);
  labels.push(['model', statistics.name], ['version', String(statistics.version)]);
  if (namespace !== undefined) labels.push(['namespace', namespace]);
  if (reason !== undefined) labels.push(['reason', reason]);
  return labels.sort(([a], [b]) => (a < b ? -1 : 1));
}
