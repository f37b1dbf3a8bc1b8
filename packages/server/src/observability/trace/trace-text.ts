import type { RequestTrace, TraceMark } from '../../inference/index.ts';
import { tensorText } from './tensor-text.ts';

/** Gives every trace a number of its own. */
export type NumberTraces = () => number;

/**
 * A request's trace and those of its steps in Triton's JSON form, objects with commas between them. `timestamps`: with the moments that
 * were passed. Names and ids are JSON strings, whatever is in them.
 */
export function traceText(trace: RequestTrace, timestamps: boolean, nextId: NumberTraces): string {
  const parts: string[] = [];
  describe(trace, 0, timestamps, nextId, parts);
  return parts.join(',');
}

function describe(
  trace: RequestTrace,
  parentId: number,
  timestamps: boolean,
  nextId: NumberTraces,
  parts: string[],
): void {
  const id = nextId();
  const add = (mark: TraceMark): void => {
    if (timestamps)
      parts.push(`{"id":${id},"timestamps":[{"name":${JSON.stringify(mark.name)},"ns":${integer(mark.ns)}}]}`);
  };
  const started = trace.startNs > 0;
  for (const mark of trace.marks) if (!started || mark.ns <= trace.startNs) add(mark);
  if (started) {
    const requestId = trace.requestId === '' ? '' : `,"request_id":${JSON.stringify(trace.requestId)}`;
    const parent = parentId === 0 ? '' : `,"parent_id":${parentId}`;
    parts.push(
      `{"id":${id},"model_name":${JSON.stringify(trace.modelName)},"model_version":${trace.modelVersion}${requestId}${parent}}`,
    );
    const [request, ...rest] = activities(trace);
    if (request !== undefined) add(request);
    for (const tensor of trace.tensors) parts.push(describeTensor(id, tensor));
    for (const mark of rest) add(mark);
  }
  for (const mark of trace.marks) if (started && mark.ns > trace.startNs) add(mark);
  for (const child of trace.children) describe(child, id, timestamps, nextId, parts);
}

/** The moments of a request inside the core, in Triton's words; those that were not passed are left out. */
export function activities(trace: RequestTrace): TraceMark[] {
  return [
    { name: 'REQUEST_START', ns: trace.startNs },
    { name: 'QUEUE_START', ns: trace.queueStartNs },
    ...computeActivities(trace),
    { name: 'REQUEST_END', ns: trace.endNs },
  ].filter(({ ns }) => ns > 0);
}

export function computeActivities(trace: RequestTrace): TraceMark[] {
  if (trace.computeStartNs === 0) return [];
  return [
    { name: 'COMPUTE_START', ns: trace.computeStartNs },
    { name: 'COMPUTE_INPUT_END', ns: trace.computeInputEndNs || trace.computeStartNs },
    { name: 'COMPUTE_OUTPUT_START', ns: trace.computeOutputStartNs || trace.endNs },
    { name: 'COMPUTE_END', ns: trace.endNs },
  ];
}

function describeTensor(id: number, tensor: RequestTrace['tensors'][number]): string {
  const { activity, name, shape, dataType } = tensor;
  const data = JSON.stringify(tensorText(tensor));
  return `{"id":${id},"activity":"${activity}","tensor":{"name":${JSON.stringify(name)},"data":${data},"shape":"${shape.join()}","dtype":"${dataType}"}}`;
}

function integer(ns: number): string {
  return String(Math.round(ns));
}
