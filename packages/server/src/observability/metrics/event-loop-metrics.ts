import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { MetricFamily } from './exposition.ts';
import { gauge } from './host-metrics.ts';

/** How often the delay is measured. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

const QUANTILES = [0.5, 0.9, 0.99, 1];

/**
 * How late the event loop is: what every request waits on top of its own work. Measuring begins with the first look at the page; each look shows
 * what happened since the one before, at least an interval (`--metrics-interval-ms`) ago.
 */
export class EventLoopMetrics {
  readonly #intervalMs: number;
  #histogram: DelayHistogram | undefined;
  #utilization: EventLoopUtilization | undefined;
  #readMs = Number.NEGATIVE_INFINITY;
  #families: MetricFamily[] = [];

  constructor(intervalMs = 2000) {
    this.#intervalMs = intervalMs;
  }

  families(): MetricFamily[] {
    if (performance.now() - this.#readMs >= this.#intervalMs) this.#read();
    return this.#families;
  }

  #read(): void {
    this.#readMs = performance.now();
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
    }
    const histogram = this.#histogram;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization ?? now);
    this.#utilization = now;
    this.#families = [
      {
        name: 'nereid_event_loop_delay_seconds',
        help: 'How late the event loop was since the last reading, by quantile',
        type: 'gauge',
        samples: QUANTILES.map((quantile) => ({
          labels: [['quantile', String(quantile)]],
          value: delaySeconds(histogram, quantile),
        })),
      },
      gauge(
        'nereid_event_loop_utilization',
        'Share of the time that the event loop was busy since the last reading [0.0 - 1.0]',
        Number.isNaN(utilization) ? 0 : utilization,
      ),
    ];
    histogram.reset();
  }
}

/** What is measured is the time between two looks, which are that far apart anyway. */
function delaySeconds(histogram: DelayHistogram, quantile: number): number {
  if (histogram.count === 0) return 0;
  return Math.max(0, histogram.percentile(100 * quantile) - RESOLUTION_MS * NS_PER_MS) / NS_PER_S;
}
