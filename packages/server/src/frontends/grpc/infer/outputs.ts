import { cString, StatusError, type WireOutput } from '@nereid/protocol';
import type { InferOutput } from '../codec/infer-request.ts';
import { sharedMemoryReference } from './shared-memory-reference.ts';

/** How an output was asked for. Throws StatusError INVALID_ARG with Triton's texts. */
export function readOutput({ name, parameters }: InferOutput): WireOutput {
  if (parameters.size === 0) return { name: cString(name), binary: true, classCount: 0 };
  const sharedMemory = sharedMemoryReference(parameters, name);
  const classification = parameters.get('classification');
  if (classification !== undefined && classification.kind !== 'int64') {
    throw invalid("invalid value type for 'classification' parameter, expected int64_param");
  }
  if (classification !== undefined && classification.value <= 0n) {
    throw invalid("invalid value for 'classification' parameter, expected >= 0");
  }
  if (sharedMemory !== undefined && classification !== undefined) {
    throw invalid("output can't set both 'shared_memory_region' and 'classification'");
  }
  // Triton keeps the count in 32 bits.
  const classCount = classification === undefined ? 0 : Number(BigInt.asUintN(32, classification.value));
  return { name: cString(name), binary: true, classCount, ...(sharedMemory === undefined ? {} : { sharedMemory }) };
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
