import { StatusError } from '@nereid/protocol';
import {
  type Clock,
  type ExecutionBatch,
  errorResponse,
  type ModelInstance,
  type ScheduledRequest,
} from '../inference/index.ts';
import type { StatisticsRecorder } from '../observability/index.ts';

/** The parts of a batch that only some schedulers use. */
export type BatchExtras = Pick<ExecutionBatch, 'schedulerInputs' | 'onSchedulerOutputs'>;

const NO_EXTRAS: BatchExtras = {};

/**
 * The instances of one model version. An execution either ends before `execute` returns (inline) or later; the pool makes sure that every
 * request of it was answered by then, whatever the backend did.
 */
export class InstancePool {
  readonly size: number;
  readonly #clock: Clock;
  readonly #statistics: StatisticsRecorder;
  readonly #idle: ModelInstance[];
  /** Called at the end of every execution, when its instance is idle again. */
  readonly #onIdle: (requests: readonly ScheduledRequest[]) => void;
  #executing = 0;

  constructor(
    instances: readonly ModelInstance[],
    clock: Clock,
    statistics: StatisticsRecorder,
    onIdle: (requests: readonly ScheduledRequest[]) => void,
  ) {
    this.size = instances.length;
    this.#idle = [...instances];
    this.#clock = clock;
    this.#statistics = statistics;
    this.#onIdle = onIdle;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Requests that an instance has now. */
  get executingCount(): number {
    return this.#executing;
  }

  /** Runs a batch on the instance that has been idle longest. Call only while there is one. */
  execute(requests: readonly ScheduledRequest[], batchSize: number, extras = NO_EXTRAS): void {
    const instance = this.#idle.shift();
    if (instance === undefined) throw new Error('instance pool: every instance is busy');
    const batch: ExecutionBatch = {
      ...extras,
      requests,
      batchSize,
      computeStartNs: this.#clock.nowNs(),
      computeInputEndNs: 0,
      computeOutputStartNs: 0,
    };
    for (const request of requests) request.batch = batch;
    this.#executing += requests.length;
    let running: Promise<void> | undefined;
    try {
      running = instance.execute(batch);
    } catch (error) {
      answerAll(batch, StatusError.from(error));
    }
    if (running === undefined) {
      this.#finish(instance, batch);
      return;
    }
    running.then(
      () => this.#finish(instance, batch),
      (error: unknown) => {
        answerAll(batch, StatusError.from(error));
        this.#finish(instance, batch);
      },
    );
  }

  #finish(instance: ModelInstance, batch: ExecutionBatch): void {
    if (batch.counted === true && batch.computeOutputStartNs > 0) {
      this.#statistics.recordExecutionOutput(
        batch.reportedBatchSize ?? batch.batchSize,
        this.#clock.nowNs() - batch.computeOutputStartNs,
      );
    }
    this.#executing -= batch.requests.length;
    this.#idle.push(instance);
    for (const request of batch.requests) {
      if (request.released === false && !request.lateResponses) {
        request.respond(errorResponse(request, unanswered(instance)), true);
      }
    }
    this.#onIdle(batch.requests);
  }
}

function unanswered(instance: ModelInstance): StatusError {
  return new StatusError('INTERNAL', `model instance '${instance.name}' released the request without a response`);
}

function answerAll(batch: ExecutionBatch, error: StatusError): void {
  for (const request of batch.requests) request.respond(errorResponse(request, error), true);
}
