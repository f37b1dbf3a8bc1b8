import { type SharedMemoryReference, StatusError } from '@nereid/protocol';
import type { InferParameter, InferParameters } from '../codec/infer-request.ts';

/** The shared memory that an input or output names; undefined when it names none. Throws StatusError INVALID_ARG with Triton's texts. */
export function sharedMemoryReference(parameters: InferParameters, tensor: string): SharedMemoryReference | undefined {
  if (parameters.size === 0) return undefined;
  const region = parameters.get('shared_memory_region');
  if (region !== undefined && region.kind !== 'string') throw wrongType('shared_memory_region', tensor, 'string_param');
  const number = (name: string): number => {
    const parameter: InferParameter | undefined = parameters.get(name);
    if (parameter === undefined) return 0;
    if (region === undefined) {
      throw invalid(`'${name}' can not be specified without 'shared_memory_region' parameter for tensor '${tensor}'`);
    }
    if (parameter.kind !== 'int64') throw wrongType(name, tensor, 'int64_param');
    // Triton keeps both in 64 bits without sign: a negative number is far outside of every region.
    return Number(BigInt.asUintN(64, parameter.value));
  };
  const offset = number('shared_memory_offset');
  const byteSize = number('shared_memory_byte_size');
  if (region !== undefined && !parameters.has('shared_memory_byte_size')) {
    throw invalid(
      `'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '${tensor}'`,
    );
  }
  return region === undefined ? undefined : { region: region.value, offset, byteSize };
}

function wrongType(name: string, tensor: string, expected: string): StatusError {
  return invalid(`invalid value type for '${name}' parameter for tensor '${tensor}', expected ${expected}.`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
