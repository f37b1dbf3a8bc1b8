import type { Tensor } from '@nereid/protocol';
import type { InferenceResponse, ModelSignature, TensorSignature } from '../inference/index.ts';

/** Gives outputs with `reshape` the shape clients see. Undefined for a model that reshapes nothing. */
export function outputShapeRestorer(
  signature: ModelSignature,
): ((response: InferenceResponse) => InferenceResponse) | undefined {
  const reshaped = new Map<string, TensorSignature>();
  for (const output of signature.outputs) if (output.reshape !== undefined) reshaped.set(output.name, output);
  if (reshaped.size === 0) return undefined;
  const offset = signature.maxBatchSize > 0 ? 1 : 0;
  return (response) => ({
    ...response,
    outputs: response.outputs.map((tensor) => {
      const output = reshaped.get(tensor.name);
      return output === undefined ? tensor : restore(tensor, output, offset);
    }),
  });
}

/** Leaves a tensor alone that does not have the backend's shape. */
function restore(tensor: Tensor, output: TensorSignature, offset: number): Tensor {
  const from = output.reshape ?? [];
  const { shape } = tensor;
  if (shape.length !== from.length + offset) return tensor;
  if (from.some((dim, axis) => dim !== -1 && dim !== shape[axis + offset])) return tensor;
  const variable = from.flatMap((dim, axis) => (dim === -1 ? [shape[axis + offset]!] : []));
  let next = 0;
  const restored = output.dims.map((dim) => (dim === -1 ? variable[next++]! : dim));
  return { ...tensor, shape: [...shape.slice(0, offset), ...restored] };
}
