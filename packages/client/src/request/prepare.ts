import {
  type DecodedOutput,
  type EncodableInferRequest,
  type EncodableInput,
  isDataType,
  type SharedMemoryReference,
  type WireOutput,
  type WireParameter,
} from '@nereid/protocol';
import { type InferRequest, InferResult, type ParameterValue, type RequestedOutput } from '../api/index.ts';
import { invalidArgument, invalidResponse } from '../errors/index.ts';
import {
  countElements,
  type InferInput,
  inputContents,
  OutputTensor,
  type SharedMemoryRange,
} from '../tensor/index.ts';

const MAX_UINT64 = 2n ** 64n - 1n;

/** A caller's request, checked and in the protocol's terms. Contents are not copied. Throws InferenceServerError INVALID_ARG. */
export function prepareRequest(request: InferRequest): EncodableInferRequest {
  const { id = '', sequence, priority = 0, timeoutMicros = 0, parameters = {}, binary = true } = request;
  return {
    id,
    parameters: new Map(Object.entries(parameters).map(([name, value]) => [name, checkParameter(name, value)])),
    correlationId: sequence === undefined ? 0n : sequenceId(sequence.id),
    sequenceStart: sequence?.start ?? false,
    sequenceEnd: sequence?.end ?? false,
    priority: checkUnsigned('priority', priority),
    timeoutMicros: checkUnsigned('timeoutMicros', timeoutMicros),
    inputs: request.inputs.map((input) => prepareInput(input, binary)),
    outputs: (request.outputs ?? []).map((output) =>
      prepareOutput(typeof output === 'string' ? { name: output } : output, binary),
    ),
    binaryOutputs: binary,
  };
}

function prepareInput(input: InferInput, binary: boolean): EncodableInput {
  const { name, dataType, shape } = input;
  if ('sharedMemory' in input) {
    if (!isDataType(dataType)) throw invalidArgument(`input '${name}' has unknown data type '${String(dataType)}'`);
    countElements(name, shape);
    const sharedMemory = reference(name, input.sharedMemory);
    return { tensor: { name, dataType, shape }, form: 'sharedMemory', sharedMemory };
  }
  const tensor = { name, dataType, shape, data: inputContents(input) };
  if (!binary && (dataType === 'FP16' || dataType === 'BF16')) {
    throw invalidArgument(`input '${name}' of type ${dataType} has no JSON form`);
  }
  return { tensor, form: binary ? 'binary' : 'json' };
}

function prepareOutput({ name, classes = 0, sharedMemory }: RequestedOutput, binary: boolean): WireOutput {
  const classCount = checkUnsigned(`classes of output '${name}'`, classes);
  if (sharedMemory === undefined) return { name, binary, classCount };
  if (classCount > 0) throw invalidArgument(`output '${name}' cannot have both classes and sharedMemory`);
  return { name, binary: false, classCount, sharedMemory: reference(name, sharedMemory) };
}

function reference(name: string, { region, offset = 0, byteSize }: SharedMemoryRange): SharedMemoryReference {
  return {
    region,
    offset: checkUnsigned(`shared memory offset of '${name}'`, offset),
    byteSize: checkUnsigned(`shared memory byteSize of '${name}'`, byteSize),
  };
}

function sequenceId(id: number | bigint | string): bigint | string {
  if (typeof id === 'string') {
    if (id === '') throw invalidArgument('a sequence id must not be empty');
    return id;
  }
  if (typeof id === 'number' && !Number.isSafeInteger(id))
    throw invalidArgument(`sequence id ${id} is no exact integer`);
  const value = BigInt(id);
  if (value >= 1n && value <= MAX_UINT64) return value;
  throw invalidArgument(`sequence id ${value} is not in 1 to 2^64-1`);
}

export function checkUnsigned(what: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument(`${what} is ${value}, not an integer from 0`);
}

function checkParameter(name: string, value: ParameterValue): WireParameter {
  if (typeof value === 'number' && !Number.isFinite(value)) throw invalidArgument(`parameter '${name}' is ${value}`);
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return value;
  throw invalidArgument(`parameter '${name}' is no string, number, bigint or boolean`);
}

/** A response in the protocol's terms, as callers get it. */
export interface DecodedResult {
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly parameters: ReadonlyMap<string, WireParameter>;
  readonly outputs: readonly DecodedOutput[];
}

export function toInferResult({ id, modelName, modelVersion, parameters, outputs }: DecodedResult): InferResult {
  const names = new Set(outputs.map(({ name }) => name));
  if (names.size !== outputs.length) throw invalidResponse('the response has two outputs of one name');
  return new InferResult({
    id,
    modelName,
    modelVersion,
    // fromEntries defines members of its own, whatever they are called.
    parameters: Object.fromEntries([...parameters].map(([name, value]) => [name, plainNumber(value)])),
    outputs: outputs.map(({ name, dataType, shape, data }) => new OutputTensor(name, dataType, shape, data)),
  });
}

function plainNumber(value: WireParameter): ParameterValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
