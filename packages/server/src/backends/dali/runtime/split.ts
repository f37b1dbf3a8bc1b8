/** Samples [from, to) of request `request`. */
export interface SampleRange {
  readonly request: number;
  readonly from: number;
  readonly to: number;
}

/** How a request's samples weigh: their count, and bytes per sample as an estimate of the work. */
export interface RequestLoad {
  readonly sampleCount: number;
  readonly sampleBytes: number;
}

/**
 * Deals the samples of a batch out to at most `threads` threads in the order in which they came, so that each has about the same number of bytes to work
 * on. A request whose samples belong together (`whole`) is not divided. Threads without work are left out.
 */
export function splitBatch(requests: readonly RequestLoad[], threads: number, whole: boolean): SampleRange[][] {
  const weight = ({ sampleBytes }: RequestLoad): number => Math.max(sampleBytes, 1);
  let remaining = requests.reduce((sum, load) => sum + load.sampleCount * weight(load), 0);
  const shares: SampleRange[][] = [[]];
  let room = remaining / threads;
  requests.forEach((load, request) => {
    let from = 0;
    while (from < load.sampleCount) {
      const isLast = shares.length >= threads;
      const unit = whole ? load.sampleCount - from : 1;
      const fitting = isLast || whole ? load.sampleCount - from : Math.max(Math.round(room / weight(load)), 0);
      const isFull = shares.at(-1)!.length > 0 && !isLast && (whole ? room < (unit * weight(load)) / 2 : fitting < 1);
      if (isFull) {
        shares.push([]);
        room = remaining / (threads - shares.length + 1);
        continue;
      }
      const to = Math.min(from + Math.max(fitting, unit), load.sampleCount);
      shares.at(-1)!.push({ request, from, to });
      room -= (to - from) * weight(load);
      remaining -= (to - from) * weight(load);
      from = to;
    }
  });
  return shares.filter((share) => share.length > 0);
}
