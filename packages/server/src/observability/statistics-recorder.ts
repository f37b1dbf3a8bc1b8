import type {
  BatchStatistics,
  FailureReason,
  ModelStatistics,
  RequestTimes,
  ResponseStatistics,
  StatisticDuration,
} from '../inference/index.ts';

/** One successful request. */
export interface SuccessTimes extends RequestTimes {
  readonly batchSize: number;
}

interface BatchCounter {
  count: number;
  inputNs: number;
  inferNs: number;
  outputNs: number;
}

interface ResponseCounter {
  computeInfer: Mutable;
  computeOutput: Mutable;
  success: Mutable;
  fail: Mutable;
  emptyResponse: Mutable;
  cancel: Mutable;
}

interface Mutable {
  count: number;
  ns: number;
}

const NO_TIME: StatisticDuration = { count: 0, ns: 0 };

/**
 * Counts what one model version does, by Triton's rules: times add up per request (an execution of four requests adds its compute time
 * four times), `batchStats` per execution; a cache hit counts as a success and in the queue, not as an inference.
 */
export class StatisticsRecorder {
  readonly name: string;
  readonly version: number;
  readonly #wallClockMs: () => number;
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };
  #lastInferenceMs = 0;
  #inferenceCount = 0;
  #executionCount = 0;
  #successCount = 0;
  #successNs = 0;
  #failNs = 0;
  #queueNs = 0;
  #computeCount = 0;
  #inputNs = 0;
  #inferNs = 0;
  #outputNs = 0;
  #cacheHits = 0;
  #cacheHitNs = 0;
  #cacheMisses = 0;
  #cacheMissNs = 0;
  readonly #batches = new Map<number, BatchCounter>();
  readonly #responses = new Map<string, ResponseCounter>();

  constructor(name: string, version: number, wallClockMs: () => number = Date.now) {
    this.name = name;
    this.version = version;
    this.#wallClockMs = wallClockMs;
  }

  /** One request was answered without an error. */
  recordSuccess(times: SuccessTimes): void {
    this.#lastInferenceMs = this.#wallClockMs();
    this.#inferenceCount += times.batchSize;
    this.#successCount++;
    this.#successNs += times.requestNs;
    this.#queueNs += times.queueNs;
    this.#computeCount++;
    this.#inputNs += times.computeInputNs;
    this.#inferNs += times.computeInferNs;
    this.#outputNs += times.computeOutputNs;
  }

  /** One execution of `batchSize` inferences took these nanoseconds up to its first response. */
  recordExecution(batchSize: number, inputNs: number, inferNs: number, outputNs = 0): void {
    this.#executionCount++;
    let counter = this.#batches.get(batchSize);
    if (counter === undefined) {
      counter = { count: 0, inputNs: 0, inferNs: 0, outputNs: 0 };
      this.#batches.set(batchSize, counter);
    }
    counter.count++;
    counter.inputNs += inputNs;
    counter.inferNs += inferNs;
    counter.outputNs += outputNs;
  }

  /** Time the responses of an execution took, known only after the first of them was counted. */
  recordExecutionOutput(batchSize: number, outputNs: number): void {
    const counter = this.#batches.get(batchSize);
    if (counter !== undefined) counter.outputNs += outputNs;
  }

  recordFailure(reason: FailureReason, requestNs: number): void {
    this.failures[reason]++;
    this.#failNs += requestNs;
  }

  recordCacheHit(requestNs: number, queueNs: number, lookupNs: number): void {
    this.#lastInferenceMs = this.#wallClockMs();
    this.#successCount++;
    this.#successNs += requestNs;
    this.#queueNs += queueNs;
    this.#cacheHits++;
    this.#cacheHitNs += lookupNs;
  }

  /** `lookupAndInsertNs` also counts as time of the request. */
  recordCacheMiss(lookupAndInsertNs: number): void {
    this.#successNs += lookupAndInsertNs;
    this.#cacheMisses++;
    this.#cacheMissNs += lookupAndInsertNs;
  }

  /** Response `index` of a decoupled model was sent. */
  recordResponse(
    index: number,
    outcome: 'success' | 'fail' | 'cancel' | 'emptyResponse',
    inferNs: number,
    outputNs: number,
  ): void {
    const key = String(index);
    let counter = this.#responses.get(key);
    if (counter === undefined) {
      counter = {
        computeInfer: { count: 0, ns: 0 },
        computeOutput: { count: 0, ns: 0 },
        success: { count: 0, ns: 0 },
        fail: { count: 0, ns: 0 },
        emptyResponse: { count: 0, ns: 0 },
        cancel: { count: 0, ns: 0 },
      };
      this.#responses.set(key, counter);
    }
    add(counter[outcome], inferNs + outputNs);
    if (outcome === 'cancel' || outcome === 'emptyResponse') return;
    add(counter.computeInfer, inferNs);
    if (outcome === 'success' || outputNs > 0) add(counter.computeOutput, outputNs);
  }

  snapshot(): ModelStatistics {
    const failCount = this.failures.REJECTED + this.failures.CANCELED + this.failures.BACKEND + this.failures.OTHER;
    return {
      name: this.name,
      version: this.version,
      lastInferenceMs: this.#lastInferenceMs,
      inferenceCount: this.#inferenceCount,
      executionCount: this.#executionCount,
      success: { count: this.#successCount, ns: this.#successNs },
      fail: { count: failCount, ns: this.#failNs },
      queue: { count: this.#successCount, ns: this.#queueNs },
      computeInput: { count: this.#computeCount, ns: this.#inputNs },
      computeInfer: { count: this.#computeCount, ns: this.#inferNs },
      computeOutput: { count: this.#computeCount, ns: this.#outputNs },
      cacheHit: { count: this.#cacheHits, ns: this.#cacheHitNs },
      cacheMiss: { count: this.#cacheMisses, ns: this.#cacheMissNs },
      batchStats: [...this.#batches].sort(([a], [b]) => a - b).map(toBatchStatistics),
      responseStats: new Map([...this.#responses].map(([key, counter]) => [key, toResponseStatistics(counter)])),
    };
  }
}

function add(counter: Mutable, ns: number): void {
  counter.count++;
  counter.ns += ns;
}

function toBatchStatistics([batchSize, counter]: [number, BatchCounter]): BatchStatistics {
  const { count, inputNs, inferNs, outputNs } = counter;
  return {
    batchSize,
    computeInput: { count, ns: inputNs },
    computeInfer: { count, ns: inferNs },
    computeOutput: { count, ns: outputNs },
  };
}

function toResponseStatistics(counter: ResponseCounter): ResponseStatistics {
  const copy = (value: Mutable): StatisticDuration => (value.count === 0 ? NO_TIME : { ...value });
  return {
    computeInfer: copy(counter.computeInfer),
    computeOutput: copy(counter.computeOutput),
    success: copy(counter.success),
    fail: copy(counter.fail),
    emptyResponse: copy(counter.emptyResponse),
    cancel: copy(counter.cancel),
  };
}
