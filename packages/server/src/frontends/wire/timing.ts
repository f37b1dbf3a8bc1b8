import type { RequestTrace } from '../../inference/index.ts';

interface Timing {
  readonly step?: number;
  readonly model: string;
  readonly version: number;
  /** Since the request itself began. */
  readonly start_us: number;
  readonly total_us: number;
  readonly queue_us: number;
  readonly compute_input_us: number;
  readonly compute_infer_us: number;
  readonly compute_output_us: number;
  readonly steps?: readonly Timing[];
}

/** Where a request's time went, as JSON: the request, and in `steps` those of an ensemble. All in microseconds. */
export function timingText(trace: RequestTrace): string {
  return JSON.stringify(timing(trace, trace.startNs));
}

function timing(trace: RequestTrace, originNs: number): Timing {
  const { queueStartNs, computeStartNs, endNs } = trace;
  const ran = computeStartNs > 0;
  // A backend that passes no marks spent it all on the model.
  const inputEndNs = trace.computeInputEndNs || computeStartNs;
  const outputStartNs = trace.computeOutputStartNs || endNs;
  return {
    ...(trace.step < 0 ? {} : { step: trace.step }),
    model: trace.modelName,
    version: trace.modelVersion,
    start_us: micros(trace.startNs - originNs),
    total_us: micros(endNs - trace.startNs),
    queue_us: ran ? micros(computeStartNs - queueStartNs) : 0,
    compute_input_us: ran ? micros(inputEndNs - computeStartNs) : 0,
    compute_infer_us: ran ? micros(outputStartNs - inputEndNs) : 0,
    compute_output_us: ran ? micros(endNs - outputStartNs) : 0,
    ...(trace.children.length === 0 ? {} : { steps: trace.children.map((child) => timing(child, originNs)) }),
  };
}

function micros(ns: number): number {
  return Math.max(0, Math.round(ns / 1000));
}
