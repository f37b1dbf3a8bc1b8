import type { LoadResult } from './load-result.ts';
import type { BenchServer } from './process.ts';
import { type Contender, median } from './rounds.ts';

/** One measurement of a server under load. */
export interface LoadCell {
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly cpuMicros: number;
}

/** A server under the load of `load`, compared by requests per second; what else is measured goes into `cells`. */
export function loadContender(
  name: string,
  server: BenchServer,
  times: { readonly warmUpMs: number; readonly measureMs: number },
  load: () => Promise<LoadResult>,
): Contender & { readonly cells: LoadCell[] } {
  const cells: LoadCell[] = [];
  return {
    name,
    cells,
    async measure() {
      const cpuBefore = server.cpuMicros();
      const result = await load();
      if (result.errors > 0) throw new Error(`${name}: ${result.errors} requests failed`);
      // The CPU time covers the warm-up as well: both have the same share of it.
      const requests = result.requests * ((times.warmUpMs + times.measureMs) / times.measureMs);
      const requestsPerSecond = result.requests / result.seconds;
      const cpuMicros = (server.cpuMicros() - cpuBefore) / requests;
      cells.push({ requestsPerSecond, p50Micros: result.p50Micros, p99Micros: result.p99Micros, cpuMicros });
      return requestsPerSecond;
    },
  };
}

export const LOAD_CELL = 'req/s · p50 µs · p99 µs · CPU µs/req';

export function loadCellText(cells: readonly LoadCell[]): string {
  const of = (field: keyof LoadCell) => Math.round(median(cells.map((cell) => cell[field])));
  return `${of('requestsPerSecond')} · ${of('p50Micros')} · ${of('p99Micros')} · ${of('cpuMicros')}`;
}

/** CPU time of the second over that of the first, round by round: how close the first comes to the second. */
export function cpuRatio(
  first: readonly LoadCell[],
  second: readonly LoadCell[],
): { readonly median: number; readonly min: number; readonly max: number } {
  const ratios = first.map(({ cpuMicros }, round) => second[round]!.cpuMicros / cpuMicros);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
