import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import type { MetricFamily } from './exposition.ts';

const KIB = 1024;

/** Busy and all ticks of all processors since the machine started. */
interface CpuTicks {
  readonly busy: number;
  readonly total: number;
}

/**
 * The machine's processor and memory, read when asked but at most once per interval (`--metrics-interval-ms`); utilization is the share between
 * two readings.
 */
export class HostMetrics {
  readonly #intervalMs: number;
  readonly #nowMs: () => number;
  #readMs = Number.NEGATIVE_INFINITY;
  #ticks: CpuTicks;
  #utilization = 0;
  #totalBytes = 0;
  #usedBytes = 0;

  constructor(intervalMs = 2000, nowMs: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#nowMs = nowMs;
    this.#ticks = readCpuTicks();
  }

  families(): MetricFamily[] {
    if (this.#nowMs() - this.#readMs >= this.#intervalMs) this.#read();
    return [
      gauge('nv_cpu_utilization', 'CPU utilization rate [0.0 - 1.0]', this.#utilization),
      gauge('nv_cpu_memory_total_bytes', 'CPU total memory (RAM), in bytes', this.#totalBytes),
      gauge('nv_cpu_memory_used_bytes', 'CPU used memory (RAM), in bytes', this.#usedBytes),
    ];
  }

  #read(): void {
    this.#readMs = this.#nowMs();
    const ticks = readCpuTicks();
    const total = ticks.total - this.#ticks.total;
    this.#utilization = total > 0 ? (ticks.busy - this.#ticks.busy) / total : this.#utilization;
    this.#ticks = ticks;
    this.#totalBytes = totalmem();
    this.#usedBytes = this.#totalBytes - readAvailableBytes();
  }
}

/** Pinned memory is a GPU matter; a server without one has a pool of 0 bytes. */
export function pinnedMemoryFamilies(): MetricFamily[] {
  return [
    gauge('nv_pinned_memory_pool_total_bytes', 'Pinned memory pool total memory size, in bytes', 0),
    gauge('nv_pinned_memory_pool_used_bytes', 'Pinned memory pool used memory size, in bytes', 0),
  ];
}

export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, help, type: 'gauge', samples: [{ labels: [], value }] };
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Only Linux has it; elsewhere the numbers stay coarse.
    return '';
  }
}

function readCpuTicks(): CpuTicks {
  const [, ...fields] = (readProc('/proc/stat').split('\n', 1)[0] ?? '').trim().split(/\s+/);
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, ...rest] = fields.map(Number);
  if (fields.length > 0) {
    // Guest time (the last two fields) is part of user time already.
    const busy = user + nice + system + rest.slice(0, 3).reduce((sum, value) => sum + value, 0);
    return { busy, total: busy + idle + ioWait };
  }
  const own = process.cpuUsage();
  return { busy: own.user + own.system, total: performance.now() * 1000 * availableParallelism() };
}

function readAvailableBytes(): number {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(readProc('/proc/meminfo'));
  return found === null ? freemem() : Number(found[1]) * KIB;
}
