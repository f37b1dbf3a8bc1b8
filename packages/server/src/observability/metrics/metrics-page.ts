import { EventLoopMetrics } from './event-loop-metrics.ts';
import { type MetricFamily, printMetrics } from './exposition.ts';
import { gauge, HostMetrics, pinnedMemoryFamilies } from './host-metrics.ts';
import { type ModelMetricsSource, modelFamilies } from './model-metrics.ts';
import { stepFamilies } from './step-metrics.ts';

/** Counters of the response cache. Durations in nanoseconds. */
export interface CacheMetricsSource {
  readonly maxBytes: number;
  readonly bytes: number;
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  readonly lookups: number;
  readonly evictions: number;
  readonly lookupNs: number;
  readonly insertNs: number;
}

export interface MetricsPageOptions {
  /** False with `--allow-cpu-metrics=false`. */
  readonly cpuMetrics?: boolean;
  /** `--metrics-interval-ms` */
  readonly intervalMs?: number;
  /** False with `--metrics-config counter_latencies=false`. */
  readonly counterLatencies?: boolean;
}

/** The page at `/metrics`: `nv_*` families with Triton's names, help texts and labels, then `nereid_*` families of our own. */
export class MetricsPage {
  readonly #latencies: boolean;
  readonly #host: HostMetrics | undefined;
  readonly #eventLoop: EventLoopMetrics;

  constructor(options: MetricsPageOptions = {}) {
    this.#latencies = options.counterLatencies ?? true;
    this.#host = options.cpuMetrics === false ? undefined : new HostMetrics(options.intervalMs);
    this.#eventLoop = new EventLoopMetrics(options.intervalMs);
  }

  render(models: readonly ModelMetricsSource[], cache: CacheMetricsSource | undefined): string {
    return printMetrics([
      ...modelFamilies(models, { latencies: this.#latencies }),
      ...pinnedMemoryFamilies(),
      ...(this.#host?.families() ?? []),
      ...(cache === undefined ? [] : cacheFamilies(cache)),
      ...stepFamilies(models, { latencies: this.#latencies }),
      ...this.#eventLoop.families(),
    ]);
  }
}

function cacheFamilies(cache: CacheMetricsSource): MetricFamily[] {
  const micros = (ns: number): number => Math.floor(ns / 1000);
  return [
    gauge('nv_cache_util', 'Cache utilization [0.0 - 1.0]', cache.maxBytes === 0 ? 0 : cache.bytes / cache.maxBytes),
    gauge('nv_cache_num_entries', 'Number of responses stored in response cache', cache.entries),
    gauge('nv_cache_num_hits', 'Number of cache hits in response cache', cache.hits),
    gauge('nv_cache_num_misses', 'Number of cache misses in response cache', cache.misses),
    gauge('nv_cache_num_lookups', 'Number of cache lookups in response cache', cache.lookups),
    gauge('nv_cache_num_evictions', 'Number of cache evictions in response cache', cache.evictions),
    gauge(
      'nv_cache_lookup_duration',
      'Total cache lookup duration (hit and miss), in microseconds',
      micros(cache.lookupNs),
    ),
    gauge('nv_cache_insertion_duration', 'Total cache insertion duration, in microseconds', micros(cache.insertNs)),
  ];
}
