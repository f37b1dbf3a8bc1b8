import {
  cString,
  type JsonValue,
  jsonBoolean,
  jsonMember,
  jsonRequiredMember,
  jsonString,
  jsonUnsigned,
} from '../json/index.ts';
import { StatusError } from '../status.ts';
import type { WireOutput } from './request.ts';
import { sharedMemoryReference } from './request-inputs.ts';

/**
 * An element of `outputs`. `check` is called with its name before the rest of it is looked at, so that its errors come in Triton's order.
 * Throws StatusError with Triton's texts.
 */
export function readOutput(output: JsonValue, check: (name: string) => void): WireOutput {
  const parameters = jsonMember(output, 'parameters');
  if (jsonMember(parameters, 'shared_memory_region') !== undefined) refuseWithSharedMemory(parameters);
  const context = "Unable to parse 'name'";
  const name = cString(jsonString(jsonRequiredMember(output, 'name', context), context));
  check(name);
  const classes = jsonMember(parameters, 'classification');
  const classCount = classes === undefined ? 0 : Number(jsonUnsigned(classes, "Unable to set 'classification'"));
  const sharedMemory = sharedMemoryReference(parameters);
  if (sharedMemory !== undefined) return { name, binary: false, classCount, sharedMemory };
  const binary = jsonMember(parameters, 'binary_data');
  return {
    name,
    binary: binary !== undefined && jsonBoolean(binary, "Unable to parse 'binary_data'"),
    classCount,
  };
}

function refuseWithSharedMemory(parameters: JsonValue | undefined): void {
  if (jsonMember(parameters, 'classification') !== undefined) {
    throw new StatusError('INVALID_ARG', "Output can't set both 'shared_memory_region' and 'classification'");
  }
  const binary = jsonMember(parameters, 'binary_data');
  if (binary !== undefined && jsonBoolean(binary, "Unable to set 'binary_data'")) {
    throw new StatusError('INVALID_ARG', "Output can't set both 'shared_memory_region' and 'binary_data'");
  }
}
