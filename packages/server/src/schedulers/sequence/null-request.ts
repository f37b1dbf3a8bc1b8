import type { Tensor } from '@nereid/protocol';
import {
  Cancellation,
  type ExecutionBatch,
  type InferenceRequest,
  type ScheduledRequest,
} from '../../inference/index.ts';

/**
 * Fills the place of a slot without a request in a direct batch: inputs of the shapes of a live request, all zero. Its answer goes nowhere.
 */
export class NullRequest implements ScheduledRequest {
  readonly request: InferenceRequest;
  readonly modelVersion: number;
  readonly batchSize: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly requestedOutputs: readonly number[] = [];
  readonly released = true;
  queuedNs: number;
  batch: ExecutionBatch | undefined = undefined;

  constructor(like: ScheduledRequest) {
    this.request = { ...like.request, id: '', cancellation: new Cancellation() };
    this.modelVersion = like.modelVersion;
    this.batchSize = like.batchSize;
    this.inputs = like.inputs.map((tensor) => (tensor === undefined ? undefined : zerosLike(tensor)));
    this.queuedNs = like.queuedNs;
  }

  readonly respond = (): void => {};
}

/** BYTES elements become empty strings. */
function zerosLike(tensor: Tensor): Tensor {
  const { name, dataType, shape } = tensor;
  const byteSize = dataType === 'BYTES' ? 4 * shape.reduce((product, dim) => product * dim, 1) : tensor.data.byteLength;
  return { name, dataType, shape, data: new Uint8Array(byteSize) };
}
