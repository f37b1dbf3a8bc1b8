import { StatusError, type Tensor } from '@nereid/protocol';
import { type InferenceRequest, requestPrefix } from '../inference/index.ts';

const LENGTH_BYTES = 4;

/**
 * Walks the elements of a BYTES tensor once. What Triton's core finds is thrown; an element that runs past the end is found by its
 * backends, after queueing, and comes back.
 */
export function checkBytesTensor(
  tensor: Tensor,
  expectedCount: number,
  name: string,
  modelName: string,
  request: InferenceRequest,
): StatusError | undefined {
  const { data } = tensor;
  const refuse = (message: string) => new StatusError('INVALID_ARG', requestPrefix(request) + message);
  let offset = 0;
  let count = 0;
  let overrun: StatusError | undefined;
  while (offset < data.byteLength) {
    const rest = data.byteLength - offset;
    if (rest < LENGTH_BYTES) {
      throw refuse(
        `incomplete string length indicator for inference input '${name}' for model '${modelName}', expecting ${LENGTH_BYTES} bytes but only ` +
          `${rest} bytes available. Please make sure the string length indicator is in one buffer.`,
      );
    }
    count++;
    if (count > expectedCount) {
      throw refuse(
        `unexpected number of string elements ${count} for inference input '${name}' for model '${modelName}', expecting ${expectedCount}`,
      );
    }
    const length =
      (data[offset]! | (data[offset + 1]! << 8) | (data[offset + 2]! << 16) | (data[offset + 3]! << 24)) >>> 0;
    offset += LENGTH_BYTES;
    const available = data.byteLength - offset;
    if (length > available) {
      overrun = new StatusError(
        'INVALID_ARG',
        `incomplete string data for inference input '${name}', expecting string of length ${length} but only ${available} bytes available`,
      );
      break;
    }
    offset += length;
  }
  if (count !== expectedCount) {
    throw refuse(
      `expected ${expectedCount} string elements for inference input '${name}' for model '${modelName}', got ${count}`,
    );
  }
  return overrun;
}
