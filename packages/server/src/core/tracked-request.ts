import type { StatusError, Tensor } from '@nereid/protocol';
import type {
  ComputeTimes,
  ExecutionBatch,
  FailureReason,
  InferenceRequest,
  InferenceResponse,
  ParameterValue,
  ResponseHandler,
  ScheduledRequest,
} from '../inference/index.ts';
import type { PreparedInputs } from './request-inputs.ts';

/** A lookup in the response cache that found nothing. */
export interface CacheLookup {
  readonly key: string;
  readonly lookupNs: number;
}

/** What a request needs of the version that answers it. */
export interface RequestOwner {
  readonly version: number;
  readonly decoupled: boolean;
  readonly isEnsemble: boolean;
  nowNs(): number;
  /** Undoes `reshape` of the outputs. */
  restoreShapes(response: InferenceResponse): InferenceResponse;
  /** Counts a request that was answered for good. */
  finished(
    request: TrackedRequest,
    response: InferenceResponse | undefined,
    failure: FailureReason | undefined,
    nowNs: number,
  ): void;
  /** Counts one response of a decoupled model. */
  responded(request: TrackedRequest, index: number, response: InferenceResponse | undefined, nowNs: number): void;
  /** A response handler threw; that is a fault of a front end and must not reach the backend. */
  handlerFailed(error: unknown): void;
}

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/**
 * One request on its way through a model. It guarantees that the client gets exactly one final response whatever schedulers and backends do,
 * and counts the request just before that response leaves, so that whoever reads statistics after an answer sees it counted.
 */
export class TrackedRequest implements ScheduledRequest {
  readonly request: InferenceRequest;
  readonly modelVersion: number;
  readonly batchSize: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly requestedOutputs: readonly number[];
  readonly lateResponses: boolean;
  readonly startNs: number;
  queuedNs = 0;
  batch: ExecutionBatch | undefined = undefined;
  gate: ResponseHandler | undefined = undefined;
  reschedule: (() => void) | undefined = undefined;
  rescheduled = false;
  released = false;
  /** Set when the answer may be kept. */
  cacheLookup: CacheLookup | undefined = undefined;
  /** For an ensemble: sums over its steps. */
  readonly computeTimes: ComputeTimes | undefined;
  readonly #owner: RequestOwner;
  readonly #handler: ResponseHandler;
  #failure: StatusError | undefined = undefined;
  #responses = 0;

  constructor(
    owner: RequestOwner,
    request: InferenceRequest,
    prepared: PreparedInputs,
    outputs: readonly number[],
    handler: ResponseHandler,
  ) {
    this.#owner = owner;
    this.#handler = handler;
    this.request = request;
    this.modelVersion = owner.version;
    this.batchSize = prepared.batchSize;
    this.inputs = prepared.inputs;
    this.requestedOutputs = outputs;
    this.lateResponses = owner.decoupled;
    this.computeTimes = owner.isEnsemble ? { inputNs: 0, inferNs: 0, outputNs: 0 } : undefined;
    this.startNs = owner.nowNs();
  }

  /** A closure, because backends may pass it on as a function. */
  readonly respond: ResponseHandler = (response, final) => {
    if (this.released) return;
    if (response?.error !== undefined) this.#failure = response.error;
    const nowNs = this.#owner.nowNs();
    if (this.#owner.decoupled) this.#owner.responded(this, this.#responses++, response, nowNs);
    if (final) {
      this.released = true;
      this.#owner.finished(this, response, this.#failureReason(), nowNs);
    }
    const shown = response === undefined ? undefined : this.#owner.restoreShapes(response);
    if (this.gate === undefined) this.deliver(shown, final);
    else this.gate(shown, final);
  };

  deliver(response: InferenceResponse | undefined, final: boolean): void {
    try {
      this.#handler(response, final);
    } catch (error) {
      this.#owner.handlerFailed(error);
    }
  }

  /** Answers with what another request was answered; counted by the caller. */
  answerFromCache(outputs: readonly Tensor[]): void {
    this.released = true;
    const { id, modelName } = this.request;
    this.deliver({ id, modelName, modelVersion: this.modelVersion, parameters: NO_PARAMETERS, outputs }, true);
  }

  #failureReason(): FailureReason | undefined {
    if (this.#failure === undefined) return undefined;
    if (this.#owner.isEnsemble) return 'OTHER';
    if (this.#failure.code === 'CANCELLED') return 'CANCELED';
    return this.batch === undefined ? 'REJECTED' : 'BACKEND';
  }
}
