import { StatusError, type Tensor } from '@nereid/protocol';
import type { ScheduledRequest } from '../../inference/index.ts';

/**
 * One input of all requests as one tensor, concatenated along the batch dimension. A single request's tensor is passed on as it is; several
 * are copied once. Undefined when the input is optional and the requests do not give it.
 * @throws StatusError INTERNAL when requests that a scheduler put together do not fit together
 */
export function gatherInput(requests: readonly ScheduledRequest[], input: number): Tensor | undefined {
  const first = requests[0]?.inputs[input];
  if (requests.length === 1 || first === undefined) return first;
  const tensors = tensorsOf(requests, input, first);
  let rows = 0;
  for (const tensor of tensors) {
    checkSameItems(first, tensor);
    rows += tensor.shape[0] ?? 0;
  }
  return { ...first, shape: [rows, ...first.shape.slice(1)], data: concatenate(tensors) };
}

/** An input with `allow_ragged_batch`: the elements of all requests one after the other, whatever their shapes; shape (N). */
export function gatherRaggedInput(requests: readonly ScheduledRequest[], input: number): Tensor | undefined {
  const first = requests[0]?.inputs[input];
  if (first === undefined) return undefined;
  const tensors = tensorsOf(requests, input, first);
  const elements = tensors.reduce((sum, tensor) => sum + elementCount(tensor.shape), 0);
  return { ...first, shape: [elements], data: tensors.length === 1 ? first.data : concatenate(tensors) };
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function tensorsOf(requests: readonly ScheduledRequest[], input: number, first: Tensor): Tensor[] {
  return requests.map((request) => {
    const tensor = request.inputs[input];
    if (tensor !== undefined) return tensor;
    throw new StatusError('INTERNAL', `input '${first.name}' is missing in some requests of a batch`);
  });
}

function checkSameItems(first: Tensor, tensor: Tensor): void {
  let same = tensor.shape.length === first.shape.length;
  for (let axis = 1; same && axis < first.shape.length; axis++) same = tensor.shape[axis] === first.shape[axis];
  if (same) return;
  throw new StatusError(
    'INTERNAL',
    `input '${first.name}' has shapes [${first.shape}] and [${tensor.shape}] in the requests of one batch`,
  );
}

function concatenate(tensors: readonly Tensor[]): Uint8Array {
  const data = new Uint8Array(tensors.reduce((sum, tensor) => sum + tensor.data.byteLength, 0));
  let position = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, position);
    position += tensor.data.byteLength;
  }
  return data;
}
