import { StatusError } from '@nereid/protocol';
import type { InferenceRequest, ModelSignature } from '../inference/index.ts';

/** Up to this many names are compared one by one. */
const FEW_NAMES = 16;

/**
 * Indices of the outputs a request asks for; `all` when it names none. A name given twice counts once. Those of a request that names several
 * come in the order of `all`: Triton keeps them in a sorted set.
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
  const isKnown = names.length > FEW_NAMES ? membership() : (index: number) => indices.includes(index);
  for (const name of names) {
    const index = signature.outputIndex.get(name);
    if (index === undefined) throw unknownOutput(modelName, signature, names);
    if (!isKnown(index)) indices.push(index);
  }
  return indices.length < 2 ? indices : all.filter((index) => indices.includes(index));
}

/** Names the first unknown output in the order of names. */
function unknownOutput(modelName: string, { outputIndex }: ModelSignature, names: readonly string[]): StatusError {
  const [first] = names.filter((name) => !outputIndex.has(name)).sort(byBytes);
  return new StatusError('INVALID_ARG', `unexpected inference output '${first}' for model '${modelName}'`);
}

/** Says of each index whether it was asked about before. */
function membership(): (index: number) => boolean {
  const seen = new Set<number>();
  return (index) => seen.size === seen.add(index).size;
}

/** Order in which a model's outputs are returned: by name, and for an ensemble (where Triton's order is a hash table's) as configured. */
export function outputOrder({ outputs }: ModelSignature, isEnsemble: boolean): readonly number[] {
  const indices = outputs.map((_, index) => index);
  if (isEnsemble) return indices;
  return indices.sort((a, b) => byBytes(outputs[a]!.name, outputs[b]!.name));
}

/** As C++ sorts strings. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
