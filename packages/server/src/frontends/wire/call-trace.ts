import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '@nereid/protocol';
import {
  type InferenceResponse,
  type ParameterValue,
  RequestTrace,
  type RequestTracer,
} from '../../inference/index.ts';
import type { WireResponse } from './direct-exchange.ts';
import { timingText } from './timing.ts';

/** Parameter of a request, or header with a hyphen instead, by which a client asks where the time went; also the response's parameter. */
const TIMING_PARAMETER = 'nereid_timing';
const TIMING_HEADER = 'nereid-timing';

/** Monotonic nanoseconds, as the core counts them. */
export function nowNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/**
 * Whether a client asks where the time goes; takes the parameter that says so out of `parameters`. Throws StatusError INVALID_ARG when it is not
 * a boolean.
 */
export function takeTiming(parameters: Map<string, ParameterValue>, headers: IncomingHttpHeaders): boolean {
  const value = parameters.size === 0 ? undefined : parameters.get(TIMING_PARAMETER);
  if (value === undefined) return headers[TIMING_HEADER] === 'true';
  if (typeof value !== 'boolean') {
    throw new StatusError('INVALID_ARG', `parameter '${TIMING_PARAMETER}' has invalid type. It should be 'bool'.`);
  }
  parameters.delete(TIMING_PARAMETER);
  return value;
}

/** Follows one request for those who want to know where its time goes: a tracer, the client, or both. */
export class CallTrace {
  readonly trace: RequestTrace;
  readonly #tracer: RequestTracer | undefined;
  readonly #timing: boolean;

  private constructor(trace: RequestTrace, tracer: RequestTracer | undefined, timing: boolean) {
    this.trace = trace;
    this.#tracer = tracer;
    this.#timing = timing;
  }

  /** Undefined: nobody wants to know. `timing`: the client does. */
  static begin(
    tracer: RequestTracer | undefined,
    modelName: string,
    headers: IncomingHttpHeaders,
    timing: boolean,
  ): CallTrace | undefined {
    const sampled = tracer?.active === true ? tracer.begin(modelName, headers) : undefined;
    if (sampled !== undefined) return new CallTrace(sampled, tracer, timing);
    return timing ? new CallTrace(new RequestTrace(), undefined, true) : undefined;
  }

  /** Notes a moment that the tracer shows. */
  mark(name: string, ns: number = nowNs()): void {
    if (this.#tracer !== undefined) this.trace.mark(name, ns);
  }

  /** The response with the times in its parameters, if the client asked for them. */
  withTiming(response: InferenceResponse): InferenceResponse {
    if (!this.#timing) return response;
    const parameters = new Map(response.parameters).set(TIMING_PARAMETER, timingText(this.trace));
    return { ...response, parameters, parameterRepeats: Math.max(1, response.parameterRepeats ?? 1) };
  }

  /** The request was answered for good. */
  end(): void {
    this.#tracer?.end(this.trace);
  }

  /** As `end`, when `answer` is written or its connection lost; `mark` is noted then. */
  endWith(answer: WireResponse, mark: string): void {
    if (this.#tracer === undefined) return;
    const end = (): void => {
      this.mark(mark);
      this.end();
    };
    if (answer.closed) end();
    else answer.once('close', end);
  }
}
