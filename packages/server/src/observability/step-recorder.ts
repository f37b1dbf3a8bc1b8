import type { ComputeTimes, FailureReason, RequestTimes, StepAccount } from '../inference/index.ts';

/** What happened to one step of an ensemble, over all requests. Times in nanoseconds, of successful executions. */
export interface StepStatistics {
  /** Index in the configuration. */
  readonly step: number;
  readonly stepModel: string;
  readonly successCount: number;
  readonly failures: Readonly<Record<FailureReason, number>>;
  /** Executions that the ensemble left out, by a condition or because their inputs were absent. */
  readonly skippedCount: number;
  readonly requestNs: number;
  readonly queueNs: number;
  readonly inputNs: number;
  readonly inferNs: number;
  readonly outputNs: number;
}

/** Counts what one step of an ensemble does. A step that maps over items counts each of its requests. */
export class StepRecorder implements StepStatistics {
  readonly step: number;
  readonly stepModel: string;
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };
  successCount = 0;
  skippedCount = 0;
  requestNs = 0;
  queueNs = 0;
  inputNs = 0;
  inferNs = 0;
  outputNs = 0;

  constructor(step: number, stepModel: string) {
    this.step = step;
    this.stepModel = stepModel;
  }

  /** For the step's part in one request; `sums` are those of the ensemble's request. */
  account(sums: ComputeTimes | undefined): StepAccount {
    return new RecordedAccount(this, sums);
  }

  succeeded({ requestNs, queueNs, computeInputNs, computeInferNs, computeOutputNs }: RequestTimes): void {
    this.successCount++;
    this.requestNs += requestNs;
    this.queueNs += queueNs;
    this.inputNs += computeInputNs;
    this.inferNs += computeInferNs;
    this.outputNs += computeOutputNs;
  }

  failed(reason: FailureReason): void {
    this.failures[reason]++;
  }

  skipped(): void {
    this.skippedCount++;
  }
}

class RecordedAccount implements StepAccount {
  readonly #recorder: StepRecorder;
  readonly #sums: ComputeTimes | undefined;

  constructor(recorder: StepRecorder, sums: ComputeTimes | undefined) {
    this.#recorder = recorder;
    this.#sums = sums;
  }

  succeeded(times: RequestTimes): void {
    this.#recorder.succeeded(times);
    if (this.#sums === undefined) return;
    this.#sums.inputNs += times.computeInputNs;
    this.#sums.inferNs += times.computeInferNs;
    this.#sums.outputNs += times.computeOutputNs;
  }

  failed(reason: FailureReason): void {
    this.#recorder.failed(reason);
  }
}
