import {
  BYTES_PREFIX_SIZE,
  type BytesExtent,
  BytesWalk,
  bytesElementLength,
  StatusError,
  type Tensor,
} from '@nereid/protocol';
import { type InferenceRequest, requestPrefix } from '../inference/index.ts';

/**
 * Checks the elements of a BYTES tensor. What Triton's core finds is thrown; an element that runs past the end is found by its backends,
 * after queueing, and comes back.
 */
export function checkBytesTensor(
  tensor: Tensor,
  expectedCount: number,
  name: string,
  modelName: string,
  request: InferenceRequest,
): StatusError | undefined {
  const { data } = tensor;
  const { count, end } = extentOf(tensor);
  const refuse = (message: string) => new StatusError('INVALID_ARG', requestPrefix(request) + message);
  const rest = data.byteLength - end;
  const started = rest >= BYTES_PREFIX_SIZE ? count + 1 : count;
  if (rest > 0 && rest < BYTES_PREFIX_SIZE && count <= expectedCount) {
    throw refuse(
      `incomplete string length indicator for inference input '${name}' for model '${modelName}', expecting ${BYTES_PREFIX_SIZE} bytes but only ` +
        `${rest} bytes available. Please make sure the string length indicator is in one buffer.`,
    );
  }
  if (started > expectedCount) {
    throw refuse(
      `unexpected number of string elements ${expectedCount + 1} for inference input '${name}' for model '${modelName}', expecting ${expectedCount}`,
    );
  }
  if (started !== expectedCount) {
    throw refuse(
      `expected ${expectedCount} string elements for inference input '${name}' for model '${modelName}', got ${started}`,
    );
  }
  return started === count ? undefined : overrun(data, end, name);
}

/** What a front end found of the same contents, or a walk of our own. */
function extentOf({ data, bytesExtent }: Tensor): BytesExtent {
  if (bytesExtent?.data === data) return bytesExtent;
  const walk = new BytesWalk(data);
  while (!walk.step());
  return walk;
}

function overrun(data: Uint8Array, offset: number, name: string): StatusError {
  const available = data.byteLength - offset - BYTES_PREFIX_SIZE;
  return new StatusError(
    'INVALID_ARG',
    `incomplete string data for inference input '${name}', expecting string of length ${bytesElementLength(data, offset)} but only ${available} bytes available`,
  );
}
