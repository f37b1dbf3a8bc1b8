/** Why a request failed, as Triton's metrics tell them apart. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';

/** Times of one successful request, all in nanoseconds. */
export interface RequestTimes {
  readonly requestNs: number;
  readonly queueNs: number;
  readonly computeInputNs: number;
  readonly computeInferNs: number;
  readonly computeOutputNs: number;
}

/** A count and the time it took altogether. Counters are numbers: exact up to 2^53 ns, a hundred days of compute. */
export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

export interface BatchStatistics {
  readonly batchSize: number;
  readonly computeInput: StatisticDuration;
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
}

export interface ResponseStatistics {
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly emptyResponse: StatisticDuration;
  readonly cancel: StatisticDuration;
}

/** Triton's ModelStatistics: times per request, except `batchStats`, which are per execution. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: number;
  /** Milliseconds since the epoch, 0 before the first. */
  readonly lastInferenceMs: number;
  readonly inferenceCount: number;
  readonly executionCount: number;
  readonly success: StatisticDuration;
  readonly fail: StatisticDuration;
  readonly queue: StatisticDuration;
  readonly computeInput: StatisticDuration;
  readonly computeInfer: StatisticDuration;
  readonly computeOutput: StatisticDuration;
  readonly cacheHit: StatisticDuration;
  readonly cacheMiss: StatisticDuration;
  readonly batchStats: readonly BatchStatistics[];
  /** Keyed by response index; only for decoupled models. */
  readonly responseStats: ReadonlyMap<string, ResponseStatistics>;
}
