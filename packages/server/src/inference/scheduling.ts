import type { Tensor } from '@nereid/protocol';
import type { ComputeTimes, InferenceRequest, InferenceResponse, ResponseHandler } from './request.ts';

/**
 * A request that passed the core's validation, on its way through a model's scheduler to an instance.
 *
 * States: pending (in a queue) -> executing (an instance has it) -> released (the final response was sent). A request that a
 * scheduler refuses never leaves the caller's hands: `Scheduler.enqueue` throws and the caller answers.
 */
export interface ScheduledRequest {
  readonly request: InferenceRequest;
  /** Version that answers, resolved from `request.modelVersion`. */
  readonly modelVersion: number;
  /** Size of the batch dimension; 0 for a model without one. */
  readonly batchSize: number;
  /** The model's inputs as the backend wants them: `reshape` applied, batch dimension in front. Indexed like `ModelSignature.inputs`; undefined where an optional input was not given. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** Indices into `ModelSignature.outputs`, in the order the client listed them (or the configuration's order). */
  readonly requestedOutputs: readonly number[];
  readonly respond: ResponseHandler;
  /** Nanoseconds (monotonic clock) at entry to the scheduler's queue. */
  queuedNs: number;
  /** The batch it runs in; set by the scheduler when an instance gets the request. */
  batch?: ExecutionBatch | undefined;
  /** True once the final response was given; whatever comes through `respond` afterwards is dropped. */
  readonly released?: boolean;
  /** True for decoupled models, whose responses may come after the instance is free again. */
  readonly lateResponses?: boolean;
  /** For a request to an ensemble: where its steps add their compute times. */
  readonly computeTimes?: ComputeTimes | undefined;
  /** Set by a scheduler that keeps responses in order: gets each response once it was counted and passes it on, later, through `deliver`. */
  gate?: ResponseHandler | undefined;
  /**
   * Set by a scheduler whose requests may run more than once (`iterative_sequence`). A backend calls it in place of the final response, before the
   * execution is over: the request is then part of a later execution of its sequence. Throws StatusError when the sequence is over.
   */
  reschedule?: (() => void) | undefined;
  /** Set by `reschedule` until the execution is over. */
  rescheduled?: boolean;
  /** Hands a response to the client. Only for the owner of `gate`. */
  deliver?(response: InferenceResponse | undefined, final: boolean): void;
}

/** Requests that run together, and the times at which the backend passed its marks. All in monotonic nanoseconds. */
export interface ExecutionBatch {
  readonly requests: readonly ScheduledRequest[];
  /** Sum of the requests' batch sizes (each counts 1 for a model without a batch dimension). */
  readonly batchSize: number;
  /** Input tensors that come from the scheduler, not from the requests (sequence controls, implicit state), one row per request. Indexed by input name. */
  readonly schedulerInputs?: ReadonlyMap<string, Tensor> | undefined;
  /** When the instance was given the batch. */
  readonly computeStartNs: number;
  /** Set by the backend: inputs gathered. */
  computeInputEndNs: number;
  /** Set by the backend: model run over, outputs about to be scattered. */
  computeOutputStartNs: number;
  /** Set with each successful response: the end of the output phase, as far as it is known. */
  computeOutputEndNs?: number;
  /** Set by a backend whose statistics name another batch size than `batchSize`. */
  reportedBatchSize?: number | undefined;
  /** Set with the first successful response: the execution counts in the statistics. */
  counted?: boolean;
  /** Receives the tensors a scheduler asked for beyond the requested ones (implicit state), in batch form. */
  readonly onSchedulerOutputs?: ((outputs: readonly Tensor[]) => void) | undefined;
}

/**
 * Runs batches, one at a time. `execute` answers every request of the batch exactly once through `respond` with `final` set, and never
 * throws or rejects: a failure is answered as an error response. It returns undefined when everything was answered before it
 * returned (a model short enough to run inline), or a promise that settles when the instance is free again.
 */
export interface ModelInstance {
  readonly name: string;
  execute(batch: ExecutionBatch): undefined | Promise<void>;
}

/**
 * Decides when which requests run on which instance. One per loaded model version.
 *
 * Ownership: when `enqueue` returns, the scheduler answers the request exactly once; when it throws (a StatusError), the caller does.
 */
export interface Scheduler {
  enqueue(request: ScheduledRequest): void;
  /** Requests queued or executing. */
  readonly inflightCount: number;
  /** Those of them that no instance has yet. */
  readonly pendingCount?: number;
  /** Refuses new requests from now on; settles when those in flight are answered. */
  stop(): Promise<void>;
}

/** Monotonic time; injected so that tests own it. */
export interface Clock {
  nowNs(): number;
  /** Calls `callback` after `delayMs`; returns how to cancel it. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** Re-enters the core for a step of an ensemble. Throws what `InferenceServer.infer` throws. */
export type Dispatch = (request: InferenceRequest, respond: ResponseHandler) => void;
