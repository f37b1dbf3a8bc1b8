import type { TraceHeaders } from '../../inference/index.ts';

/** Version, trace id, span id and flags; ids of nothing but zeros are none (W3C Trace Context, section 3.2). */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** Whether a request brings a trace with it that can be continued. */
export function hasTraceParent(headers: TraceHeaders): boolean {
  const traceparent = headers['traceparent'];
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
}
