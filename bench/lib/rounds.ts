/** Middle value; mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Contender {
  readonly name: string;
  /** One measurement; higher is better or lower is better, as the benchmark says. */
  measure(): Promise<number> | number;
}

export interface RoundsResult {
  /** Median of each contender's rounds. */
  readonly medians: ReadonlyMap<string, number>;
  /** first / second of each round, as median, minimum and maximum. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
}

/**
 * Measures two contenders in turn, the order reversed every other round (A B, B A, …), so that a drift of the machine's speed touches both.
 * The ratio is taken round by round.
 */
export async function alternate(first: Contender, second: Contender, rounds: number): Promise<RoundsResult> {
  const values = new Map<string, number[]>([
    [first.name, []],
    [second.name, []],
  ]);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? [first, second] : [second, first];
    for (const contender of order) values.get(contender.name)!.push(await contender.measure());
    ratios.push(values.get(first.name)!.at(-1)! / values.get(second.name)!.at(-1)!);
  }
  return {
    medians: new Map([...values].map(([name, list]) => [name, median(list)])),
    ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
  };
}
