import type { Tensor } from '@nereid/protocol';

/** A moment that a front end noted: `HTTP_RECV_START`, … */
export interface TraceMark {
  readonly name: string;
  /** Monotonic nanoseconds. */
  readonly ns: number;
}

export type TensorActivity = 'TENSOR_QUEUE_INPUT' | 'TENSOR_BACKEND_OUTPUT';

/** A tensor of a traced request, at one point of its way. */
export interface TracedTensor {
  readonly activity: TensorActivity;
  readonly name: string;
  readonly dataType: Tensor['dataType'];
  readonly shape: readonly number[];
  /** A copy of the contents' first bytes. */
  readonly data: Uint8Array;
  /** False when there are more. */
  readonly isWhole: boolean;
}

/** More of a tensor is not kept: writing it out as text would hold the event loop. */
const MAX_TENSOR_BYTES = 256 * 1024;

/**
 * Where one request's time went. A front end that wants to know puts a RequestTrace on the request; the core fills it before the final
 * response. Steps of an ensemble appear as children, in the order they were started. Times are monotonic nanoseconds, 0 where a
 * mark was not passed (an ensemble has no compute marks of its own).
 */
export class RequestTrace {
  modelName = '';
  modelVersion = -1;
  /** The client's id; '' when it gave none. */
  requestId = '';
  /** Step index in the ensemble's configuration; -1 for the request itself. */
  step = -1;
  startNs = 0;
  queueStartNs = 0;
  computeStartNs = 0;
  computeInputEndNs = 0;
  computeOutputStartNs = 0;
  endNs = 0;
  /** Whether the final response was an error. */
  failed = false;
  readonly children: RequestTrace[] = [];
  /** In the order in which they were passed; of the request itself only. */
  readonly marks: TraceMark[] = [];
  readonly #tensors: TracedTensor[] | undefined;

  /** `tensors`: contents are kept too. */
  constructor(options: { readonly tensors?: boolean } = {}) {
    this.#tensors = options.tensors === true ? [] : undefined;
  }

  /** Whole time in milliseconds. */
  get durationMs(): number {
    return (this.endNs - this.startNs) / 1e6;
  }

  get tensors(): readonly TracedTensor[] {
    return this.#tensors ?? [];
  }

  child(step: number): RequestTrace {
    const trace = new RequestTrace({ tensors: this.#tensors !== undefined });
    trace.step = step;
    this.children.push(trace);
    return trace;
  }

  mark(name: string, ns: number): void {
    this.marks.push({ name, ns });
  }

  /** Keeps tensors, if this trace keeps any. */
  addTensors(activity: TensorActivity, tensors: readonly (Tensor | undefined)[]): void {
    if (this.#tensors === undefined) return;
    for (const tensor of tensors) {
      if (tensor === undefined) continue;
      const { name, dataType, shape, data } = tensor;
      const kept = data.slice(0, MAX_TENSOR_BYTES);
      this.#tensors.push({ activity, name, dataType, shape, data: kept, isWhole: kept.byteLength === data.byteLength });
    }
  }
}

/** A request's headers: `traceparent` and `tracestate` say which trace it belongs to (W3C Trace Context). Names are in lower case. */
export type TraceHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Chooses the requests that are traced, and takes their traces. */
export interface RequestTracer {
  /** False: no request is traced now, and nothing need be asked. */
  readonly active: boolean;
  /** Undefined: not this one. */
  begin(modelName: string, headers: TraceHeaders): RequestTrace | undefined;
  /** The request was answered, or given up. */
  end(trace: RequestTrace): void;
}
