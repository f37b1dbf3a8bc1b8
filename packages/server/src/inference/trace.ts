/**
 * Where one request's time went. A front end that wants to know puts a RequestTrace on the request; the core fills it before the final
 * response. Steps of an ensemble appear as children, in the order they were started. Times are monotonic nanoseconds, 0 where a
 * mark was not passed (an ensemble has no compute marks of its own).
 */
export class RequestTrace {
  modelName = '';
  modelVersion = -1;
  /** Step index in the ensemble's configuration; -1 for the request itself. */
  step = -1;
  startNs = 0;
  queueStartNs = 0;
  computeStartNs = 0;
  computeInputEndNs = 0;
  computeOutputStartNs = 0;
  endNs = 0;
  readonly children: RequestTrace[] = [];

  /** Whole time in milliseconds. */
  get durationMs(): number {
    return (this.endNs - this.startNs) / 1e6;
  }

  child(step: number): RequestTrace {
    const trace = new RequestTrace();
    trace.step = step;
    this.children.push(trace);
    return trace;
  }
}
