import type { StatusError, Tensor } from '@nereid/protocol';
import type { Cancellation } from './cancellation.ts';
import type { FailureReason, RequestTimes } from './statistics.ts';
import type { RequestTrace } from './trace.ts';

export type ParameterValue = string | number | bigint | boolean;

/** 0n or '' means "no sequence". Numbers and strings are different sequences even when they print alike. */
export type CorrelationId = bigint | string;

/**
 * One inference request as the core sees it, whichever protocol it came by. Front ends build it and translate nothing else.
 * Everything in it is read-only from the moment it is handed to `InferenceServer.infer`.
 */
export interface InferenceRequest {
  /** The client's id, '' when it gave none; error texts print `<id_unknown>` then. */
  readonly id: string;
  readonly modelName: string;
  /** -1: the highest version that is ready. */
  readonly modelVersion: number;
  /** In the order the client sent them. */
  readonly inputs: readonly Tensor[];
  /** Names; empty means every output of the model. */
  readonly requestedOutputs: readonly string[];
  /** Custom parameters only; those with a field of their own below are not repeated here. */
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly correlationId: CorrelationId;
  readonly sequenceStart: boolean;
  readonly sequenceEnd: boolean;
  /** 0: the model's default priority level; 1 is the highest. */
  readonly priority: number;
  /** Queue timeout in microseconds, 0 for the model's default. */
  readonly timeoutMicros: number;
  readonly cancellation: Cancellation;
  /** When the front end began to read the request, `process.hrtime`-based nanoseconds as a number. */
  readonly receivedNs: number;
  /** Set when somebody wants to know where the time went; filled before the final response. */
  readonly trace?: RequestTrace | undefined;
  /** Set on a step of an ensemble: what is told how it went. */
  readonly account?: StepAccount | undefined;
  /** Set when the body was the raw bytes of the only input: what error texts call that input instead of its name. */
  readonly rawInputName?: string;
}

/** Counts a step of an ensemble, for the step and for the ensemble's own statistics. */
export interface StepAccount {
  succeeded(times: RequestTimes): void;
  failed(reason: FailureReason): void;
}

/** Sums of the compute times of successful steps, in nanoseconds. */
export interface ComputeTimes {
  inputNs: number;
  inferNs: number;
  outputNs: number;
}

/** One response of possibly many (decoupled models). Either `error` is set or `outputs` holds the result. */
export interface InferenceResponse {
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: number;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly outputs: readonly Tensor[];
  readonly error?: StatusError;
  /** How often the JSON form lists `parameters` (an ensemble of Triton repeats them once per output); 1 when absent. */
  readonly parameterRepeats?: number;
}

/**
 * Called for every response. Exactly one call per request has `final` set, and nothing follows it. `response` is undefined only
 * for a final call that carries no response of its own (a decoupled model that has nothing more to say).
 */
export type ResponseHandler = (response: InferenceResponse | undefined, final: boolean) => void;
