import type { Core } from '../core.ts';

/** What a model's statistics count; `bySize`: executions by batch size. */
export interface Counts {
  readonly requests: number;
  readonly inferences: number;
  readonly executions: number;
  readonly bySize: Readonly<Record<number, number>>;
}

/** Counts of the first version of a model. */
export function countsOf(core: Core, model: string): Counts {
  const [statistics] = core.statistics(model, 1);
  if (statistics === undefined) throw new Error(`no statistics of '${model}'`);
  return {
    requests: statistics.success.count,
    inferences: statistics.inferenceCount,
    executions: statistics.executionCount,
    bySize: Object.fromEntries(statistics.batchStats.map((each) => [each.batchSize, each.computeInfer.count])),
  };
}
