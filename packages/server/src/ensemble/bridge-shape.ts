/**
 * The shape a tensor gets on its way between a batching and a non-batching model. Into a batching model: a tensor without batch
 * dimension whose dims fit gets a 1 in front. Into a non-batching one: a batch of 1 loses its first dimension where the dims do not fit
 * as they are. Anything else passes unchanged, and the step's own check decides. Returns `shape` itself when nothing changes.
 *
 * @param dims what the receiver's configuration says, without batch dimension
 * @param producerBatchSize 0 when what made the tensor has no batch dimension
 */
export function bridgeShape(
  dims: readonly number[],
  receiverBatches: boolean,
  producerBatchSize: number,
  shape: readonly number[],
): readonly number[] {
  if (receiverBatches === (producerBatchSize !== 0)) return shape;
  if (receiverBatches) return fits(dims, shape) ? [1, ...shape] : shape;
  return producerBatchSize === 1 && !fits(dims, shape) ? shape.slice(1) : shape;
}

function fits(dims: readonly number[], shape: readonly number[]): boolean {
  if (dims.length !== shape.length) return false;
  for (let axis = 0; axis < dims.length; axis++) {
    if (dims[axis] !== -1 && shape[axis] !== -1 && dims[axis] !== shape[axis]) return false;
  }
  return true;
}
