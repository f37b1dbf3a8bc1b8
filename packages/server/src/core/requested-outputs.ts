import { StatusError } from '@nereid/protocol';
import type { InferenceRequest, ModelSignature } from '../inference/index.ts';

/**
 * Indices of the outputs a request asks for; `all` when it names none. A name given twice counts once.
 * @throws StatusError INVALID_ARG for an unknown name
 */
export function requestedOutputs(
  modelName: string,
  signature: ModelSignature,
  all: readonly number[],
  request: InferenceRequest,
): readonly number[] {
  const names = request.requestedOutputs;
  if (names.length === 0) return all;
  const indices: number[] = [];
  for (const name of names) {
    const index = signature.outputIndex.get(name);
    if (index === undefined) {
      throw new StatusError('INVALID_ARG', `unexpected inference output '${name}' for model '${modelName}'`);
    }
    if (!indices.includes(index)) indices.push(index);
  }
  return indices;
}
