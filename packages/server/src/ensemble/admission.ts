import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import {
  type Clock,
  cancelledError,
  errorResponse,
  Fifo,
  requestPrefix,
  type ScheduledRequest,
  Timer,
} from '../inference/index.ts';

/** How much an ensemble takes on at a time; 0 is no limit. */
export interface AdmissionPolicy {
  /** `ensemble_scheduling.max_inflight_requests`: requests inside, and executions of each step at a time. */
  readonly maxRequests: number;
  /** Parameter `max_inflight_bytes`: bytes of the tensors of all requests inside. An extension of this server. */
  readonly maxBytes: number;
  /** Parameter `max_queue_size`: requests that wait at the entrance. An extension of this server. */
  readonly maxQueueSize: number;
}

/** Counts the bytes of the tensors inside an ensemble. */
export interface ByteCounter {
  bytes: number;
}

/**
 * Reads the limits of an ensemble.
 * @throws StatusError INVALID_ARG for a parameter that is no count
 */
export function admissionPolicy(config: ModelConfig): AdmissionPolicy {
  const scheduling = config.schedulingChoice;
  return {
    maxRequests: scheduling.case === 'ensembleScheduling' ? scheduling.value.maxInflightRequests : 0,
    maxBytes: countParameter(config, 'max_inflight_bytes'),
    maxQueueSize: countParameter(config, 'max_queue_size'),
  };
}

function countParameter(config: ModelConfig, name: string): number {
  const text = config.parameters[name]?.stringValue;
  if (text === undefined) return 0;
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new StatusError(
    'INVALID_ARG',
    `parameter '${name}' of ensemble '${config.name}' must be a number of at least 0, got '${text}'`,
  );
}

interface Waiting {
  readonly request: ScheduledRequest;
  readonly byteSize: number;
  readonly deadlineNs: number;
}

/** What the entrance tells its ensemble. */
export interface AdmissionCallbacks {
  /** The request goes in. */
  start(request: ScheduledRequest): void;
  /** A request that waited was answered with an error. */
  refused(): void;
}

/** How much of each new interval goes into the average. */
const SMOOTHING = 0.2;

/**
 * The entrance of an ensemble: requests beyond its limits wait here, in order, holding nothing but their inputs, so that nothing piles up between
 * steps. A request with a timeout that, at the present pace, could not start in time is refused at once.
 */
export class Admission {
  readonly #policy: AdmissionPolicy;
  readonly #clock: Clock;
  readonly #bytes: ByteCounter;
  readonly #start: (request: ScheduledRequest) => void;
  readonly #onRefused: () => void;
  readonly #waiting = new Fifo<Waiting>();
  /** Of those that wait, how many have a timeout. */
  #timeouts = 0;
  #inside = 0;
  /** Average time between two departures while others wait, in nanoseconds; 0 until it is known. */
  #paceNs = 0;
  #lastDepartureNs = 0;
  readonly #timer: Timer;

  constructor(policy: AdmissionPolicy, clock: Clock, bytes: ByteCounter, callbacks: AdmissionCallbacks) {
    this.#policy = policy;
    this.#clock = clock;
    this.#bytes = bytes;
    this.#start = callbacks.start;
    this.#onRefused = callbacks.refused;
    this.#timer = new Timer(clock, () => this.#expire());
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Starts the request, now or later. Throws UNAVAILABLE when it is refused. */
  enter(request: ScheduledRequest): void {
    const byteSize = request.inputs.reduce((sum, input) => sum + (input?.data.byteLength ?? 0), 0);
    if (this.#waiting.length === 0 && this.#hasRoom(byteSize)) {
      this.#admit(request);
      return;
    }
    this.#refuseCancelled();
    if (this.#policy.maxQueueSize > 0 && this.#waiting.length >= this.#policy.maxQueueSize) {
      throw StatusError.refusal('UNAVAILABLE', `${requestPrefix(request.request)}Exceeds maximum queue size`);
    }
    const { timeoutMicros } = request.request;
    const deadlineNs = timeoutMicros > 0 ? request.queuedNs + timeoutMicros * 1000 : Number.POSITIVE_INFINITY;
    if (request.queuedNs + (this.#waiting.length + 1) * this.#paceNs > deadlineNs) throw timeoutError();
    this.#waiting.push({ request, byteSize, deadlineNs });
    if (deadlineNs < Number.POSITIVE_INFINITY) this.#timeouts++;
    this.#setTimer();
  }

  /** A request left the ensemble. */
  leave(): void {
    this.#inside--;
    const nowNs = this.#clock.nowNs();
    if (this.#waiting.length > 0 && this.#lastDepartureNs > 0) {
      const intervalNs = nowNs - this.#lastDepartureNs;
      this.#paceNs = this.#paceNs === 0 ? intervalNs : this.#paceNs + SMOOTHING * (intervalNs - this.#paceNs);
    }
    this.#lastDepartureNs = nowNs;
    this.pump();
  }

  /** Lets in what there is room for. Call when requests or bytes have left. */
  pump(): void {
    for (
      let next = this.#waiting.peek();
      next !== undefined && this.#hasRoom(next.byteSize);
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift();
      this.#forget(next);
      if (next.request.request.cancellation.cancelled) this.#refuse(next.request, cancelledError());
      else this.#admit(next.request);
    }
    this.#setTimer();
  }

  #hasRoom(byteSize: number): boolean {
    if (this.#inside === 0) return true;
    const { maxRequests, maxBytes } = this.#policy;
    if (maxRequests > 0 && this.#inside >= maxRequests) return false;
    return maxBytes === 0 || this.#bytes.bytes + byteSize <= maxBytes;
  }

  #admit(request: ScheduledRequest): void {
    this.#inside++;
    this.#start(request);
  }

  #refuseCancelled(): void {
    this.#remove(({ request }) => request.request.cancellation.cancelled, cancelledError);
  }

  #expire(): void {
    const nowNs = this.#clock.nowNs();
    this.#remove(({ deadlineNs }) => deadlineNs <= nowNs, timeoutError);
    this.#setTimer();
  }

  #remove(matches: (waiting: Waiting) => boolean, error: () => StatusError): void {
    for (const waiting of this.#waiting.extract(matches)) {
      this.#forget(waiting);
      this.#refuse(waiting.request, error());
    }
  }

  #forget({ deadlineNs }: Waiting): void {
    if (deadlineNs < Number.POSITIVE_INFINITY) this.#timeouts--;
  }

  #refuse(request: ScheduledRequest, error: StatusError): void {
    request.respond(errorResponse(request, error), true);
    this.#onRefused();
  }

  #setTimer(): void {
    let deadlineNs = Number.POSITIVE_INFINITY;
    for (let index = 0; this.#timeouts > 0 && index < this.#waiting.length; index++) {
      deadlineNs = Math.min(deadlineNs, this.#waiting.at(index)?.deadlineNs ?? deadlineNs);
    }
    this.#timer.set(deadlineNs, this.#clock.nowNs());
  }
}

function timeoutError(): StatusError {
  return StatusError.refusal('UNAVAILABLE', 'Request timeout expired');
}
