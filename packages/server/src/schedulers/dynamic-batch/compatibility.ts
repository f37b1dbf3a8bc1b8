import type { ModelSignature, ScheduledRequest } from '../../inference/index.ts';
import type { Compatibility } from './batch-former.ts';

/**
 * Which requests of a model may share an execution: those whose variable dimensions agree (unless the input takes ragged batches), and, for a model with
 * optional inputs, that give the same ones. Undefined when all may.
 */
export function batchCompatibility(signature: ModelSignature): Compatibility | undefined {
  const sameShape = indicesOf(signature, (input) => input.dims.includes(-1) && !input.allowRaggedBatch);
  const samePresence = signature.inputs.some((input) => input.optional) ? indicesOf(signature, () => true) : [];
  if (sameShape.length === 0 && samePresence.length === 0) return undefined;
  return (first, next) =>
    samePresence.every((index) => (first.inputs[index] === undefined) === (next.inputs[index] === undefined)) &&
    sameShape.every((index) => haveEqualItems(first, next, index));
}

function indicesOf(signature: ModelSignature, wanted: (input: ModelSignature['inputs'][number]) => boolean): number[] {
  return signature.inputs.flatMap((input, index) => (wanted(input) ? [index] : []));
}

/** Compares shapes behind the batch dimension. */
function haveEqualItems(first: ScheduledRequest, next: ScheduledRequest, index: number): boolean {
  const a = first.inputs[index]?.shape;
  const b = next.inputs[index]?.shape;
  if (a === undefined || b === undefined) return a === b;
  if (a.length !== b.length) return false;
  for (let axis = 1; axis < a.length; axis++) {
    if (a[axis] !== b[axis]) return false;
  }
  return true;
}
