import { StatusError } from '@nereid/protocol';
import {
  type Clock,
  type ExecutionBatch,
  errorResponse,
  type ModelInstance,
  type ScheduledRequest,
} from '../inference/index.ts';
import type { StatisticsRecorder } from '../observability/index.ts';
import type { Turn } from './rate-limiter/limiter.ts';

/** The parts of a batch that only some schedulers use. */
export type BatchExtras = Pick<ExecutionBatch, 'schedulerInputs' | 'onSchedulerOutputs'>;

const NO_EXTRAS: BatchExtras = {};

/** What a scheduler runs batches with. */
export interface Executors {
  readonly instances: readonly ModelInstance[];
  readonly clock: Clock;
  readonly statistics: StatisticsRecorder;
  /** Each instance's place with the rate limiter, when there is one. */
  readonly turns?: ReadonlyMap<ModelInstance, Turn> | undefined;
}

/**
 * The instances of one model version. An execution either ends before `execute` returns (inline) or later; the pool makes sure that every
 * request of it was answered by then, whatever the backend did.
 */
export class InstancePool {
  readonly #clock: Clock;
  readonly #statistics: StatisticsRecorder;
  readonly #turns: ReadonlyMap<ModelInstance, Turn> | undefined;
  readonly #idle: ModelInstance[];
  /** Called when an instance may be had again; with the requests of the execution that ended, if one did. */
  readonly #onIdle: (requests: readonly ScheduledRequest[]) => void;
  /** The idle instance that has the rate limiter's permission. */
  #granted: ModelInstance | undefined;
  #executing = 0;

  constructor(executors: Executors, onIdle: (requests: readonly ScheduledRequest[]) => void) {
    this.#idle = [...executors.instances];
    this.#clock = executors.clock;
    this.#statistics = executors.statistics;
    this.#turns = executors.turns;
    this.#onIdle = onIdle;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /**
   * Whether a batch may execute now. Under a rate limiter a false answer means that this pool waits for its turn and will be told; ask only
   * when there is something to run.
   */
  acquire(): boolean {
    if (this.#turns === undefined) return this.#idle.length > 0;
    if (this.#granted !== undefined) return true;
    for (const instance of this.#idle) {
      if (this.#turns.get(instance)?.ask(() => this.#onGranted(instance)) !== false) {
        this.#granted = instance;
        return true;
      }
    }
    return false;
  }

  /** Requests that an instance has now. */
  get executingCount(): number {
    return this.#executing;
  }

  /** Runs a batch, on the instance that has been idle longest. Call only after `acquire` said so. */
  execute(requests: readonly ScheduledRequest[], batchSize: number, extras = NO_EXTRAS): void {
    const instance = this.#take();
    const batch: ExecutionBatch = {
      requests,
      batchSize,
      schedulerInputs: extras.schedulerInputs,
      onSchedulerOutputs: extras.onSchedulerOutputs,
      computeStartNs: this.#clock.nowNs(),
      computeInputEndNs: 0,
      computeOutputStartNs: 0,
      reportedBatchSize: undefined,
      computeOutputEndNs: 0,
      counted: false,
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

  #take(): ModelInstance {
    const granted = this.#granted;
    this.#granted = undefined;
    if (granted === undefined) {
      const instance = this.#idle.shift();
      if (instance === undefined) throw new Error('instance pool: every instance is busy');
      return instance;
    }
    this.#idle.splice(this.#idle.indexOf(granted), 1);
    return granted;
  }

  /** The rate limiter's turn has come; it goes back at once when nothing is left to run. */
  #onGranted(instance: ModelInstance): void {
    this.#granted = instance;
    this.#onIdle([]);
    if (this.#granted !== instance) return;
    this.#granted = undefined;
    for (const idle of this.#idle) this.#turns?.get(idle)?.withdraw();
    this.#turns?.get(instance)?.end(false);
  }

  #finish(instance: ModelInstance, batch: ExecutionBatch): void {
    const { computeOutputStartNs: startNs, computeOutputEndNs: endNs = 0 } = batch;
    if (batch.counted === true && startNs > 0) {
      this.#statistics.recordExecutionOutput(batch.reportedBatchSize ?? batch.batchSize, endNs - startNs);
    }
    this.#executing -= batch.requests.length;
    this.#idle.push(instance);
    for (const request of batch.requests) {
      if (request.released === false && !request.lateResponses && request.rescheduled !== true) {
        request.respond(errorResponse(request, unanswered(instance)), true);
      }
    }
    this.#turns?.get(instance)?.end(true);
    this.#onIdle(batch.requests);
  }
}

function unanswered(instance: ModelInstance): StatusError {
  return new StatusError('INTERNAL', `model instance '${instance.name}' released the request without a response`);
}

function answerAll(batch: ExecutionBatch, error: StatusError): void {
  for (const request of batch.requests) request.respond(errorResponse(request, error), true);
}
