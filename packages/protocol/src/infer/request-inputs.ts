import { type DataType, dataTypeByteSize, isDataType } from '../data-type.ts';
import {
  cString,
  JsonTensorData,
  type JsonValue,
  jsonArray,
  jsonMember,
  jsonRequiredMember,
  jsonString,
  jsonUnsigned,
} from '../json/index.ts';
import { countElements, MAX_TENSOR_SIZE, shapeToString, type WireDim } from '../shape.ts';
import { StatusError } from '../status.ts';
import type { SharedMemoryReference } from './request.ts';

/** One input as it stands in the JSON, contents not yet found. */
export interface InputDescription {
  readonly name: string;
  /** Undefined for a name that is no data type. */
  readonly dataType: DataType | undefined;
  readonly shape: readonly number[];
  readonly wireShape: readonly WireDim[];
  readonly source:
    | { readonly kind: 'json'; readonly value: JsonValue }
    | { readonly kind: 'binary'; readonly byteSize: number | bigint }
    | { readonly kind: 'sharedMemory'; readonly reference: SharedMemoryReference };
}

const MAX_SIGNED = 1n << 63n;

/** Checks an element of `inputs` in Triton's order. Throws StatusError with Triton's texts. */
export function describeInput(input: JsonValue): InputDescription {
  const parameters = jsonMember(input, 'parameters');
  const data = jsonMember(input, 'data');
  const binarySize = jsonMember(parameters, 'binary_data_size');
  const region = jsonMember(parameters, 'shared_memory_region');
  if (Number(data !== undefined) + Number(binarySize !== undefined) + Number(region !== undefined) !== 1) {
    throw notOneSource(data, binarySize, region);
  }
  const name = cString(memberString(input, 'name'));
  const dataTypeName = cString(memberString(input, 'datatype'));
  const wireShape = readShape(input);
  return {
    name,
    dataType: isDataType(dataTypeName) ? dataTypeName : undefined,
    wireShape,
    shape: wireShape.some((dim) => typeof dim === 'bigint') ? wireShape.map(Number) : (wireShape as readonly number[]),
    source: source(parameters, data, binarySize, region),
  };
}

function memberString(input: JsonValue, member: string): string {
  const context = `Unable to parse '${member}'`;
  return jsonString(jsonRequiredMember(input, member, context), context);
}

function readShape(input: JsonValue): readonly WireDim[] {
  const context = "Unable to parse 'shape'";
  const dims = jsonArray(jsonRequiredMember(input, 'shape', context), context);
  let exact = true;
  for (let index = 0; index < dims.length; index++) {
    if (typeof jsonUnsigned(dims[index], context) === 'bigint') exact = false;
  }
  if (exact) return dims as readonly number[];
  // Triton reads 64 bits without sign and goes on with a sign.
  return dims.map((dim) => (typeof dim === 'bigint' && dim >= MAX_SIGNED ? BigInt.asIntN(64, dim) : (dim as WireDim)));
}

function notOneSource(
  data: JsonValue | undefined,
  binarySize: JsonValue | undefined,
  region: JsonValue | undefined,
): StatusError {
  const fields: string[] = [];
  if (data !== undefined) fields.push(" 'data'");
  if (binarySize !== undefined) fields.push(" 'binary_data_size'");
  if (region !== undefined) fields.push(" 'shared_memory_region'");
  const found = fields.length === 0 ? ' no field is set' : ` set${fields.join('')}`;
  return new StatusError(
    'INVALID_ARG',
    `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But${found}`,
  );
}

function source(
  parameters: JsonValue | undefined,
  data: JsonValue | undefined,
  binarySize: JsonValue | undefined,
  region: JsonValue | undefined,
): InputDescription['source'] {
  if (data !== undefined) return { kind: 'json', value: data };
  if (region !== undefined) return { kind: 'sharedMemory', reference: sharedMemoryReference(parameters)! };
  return { kind: 'binary', byteSize: jsonUnsigned(binarySize, "Unable to parse 'binary_data_size'") };
}

/** The shared memory an input or output names; undefined when it names none. */
export function sharedMemoryReference(parameters: JsonValue | undefined): SharedMemoryReference | undefined {
  const region = jsonMember(parameters, 'shared_memory_region');
  const name = region === undefined ? '' : cString(jsonString(region, "Unable to parse 'shared_memory_region'"));
  const offset = optionalUnsigned(parameters, 'shared_memory_offset');
  const byteSize = optionalUnsigned(parameters, 'shared_memory_byte_size');
  return region === undefined ? undefined : { region: name, offset, byteSize };
}

function optionalUnsigned(parameters: JsonValue | undefined, member: string): number {
  const value = jsonMember(parameters, member);
  return value === undefined ? 0 : Number(jsonUnsigned(value, `Unable to parse '${member}'`));
}

/**
 * Checks that contents given as JSON may be read: the shape, the size, the type. Answers the element count, 0 where the data is not
 * looked at (an empty shape, or one with a 0). Throws StatusError with Triton's texts.
 */
export function checkJsonInput(input: InputDescription, maxBytes: number): number {
  const { name, wireShape, dataType } = input;
  const count = countElements(wireShape);
  if (typeof count === 'number' && count > 0 && isPlain(input, count, maxBytes)) return count;
  if (count === 'invalid') throw badShape(input, 'contains one or more invalid dimensions');
  if (count === 'overflow') {
    throw badShape(input, `causes total element count to exceed maximum size of ${MAX_TENSOR_SIZE}`);
  }
  if (count === 0 || count === 0n) return 0;
  if (input.source.kind === 'json' && !(input.source.value instanceof JsonTensorData)) {
    throw new StatusError('INTERNAL', "Unable to parse 'data': attempt to access JSON non-array as array");
  }
  const size = dataType === undefined ? 0 : dataTypeByteSize(dataType);
  if (dataType !== 'BYTES') checkByteSize(name, count === 'wildcard' ? -1n : BigInt(count), BigInt(size), maxBytes);
  if (dataType === undefined) throw invalid(`invalid datatype for input ${name}`);
  if (dataType === 'FP16' || dataType === 'BF16') {
    throw invalid(
      `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  return Number(count === 'wildcard' ? 1 : count);
}

/** The ordinary case, told by a few comparisons. */
function isPlain({ dataType, source }: InputDescription, count: number, maxBytes: number): boolean {
  if (dataType === undefined || dataType === 'FP16' || dataType === 'BF16') return false;
  if (source.kind !== 'json' || !(source.value instanceof JsonTensorData)) return false;
  return count * dataTypeByteSize(dataType) <= maxBytes;
}

function checkByteSize(name: string, count: bigint, size: bigint, maxBytes: number): void {
  if (size > 1n && count > MAX_TENSOR_SIZE / size) {
    throw invalid(
      `byte size overflow for input '${name}': element count (${count}) * data type size (${size}) exceeds maximum allowed size (${MAX_TENSOR_SIZE})`,
    );
  }
  // A dimension of 2^64-1 is -1 to Triton, and its byte size a large number without sign.
  const byteSize = BigInt.asUintN(64, count * size);
  if (byteSize > BigInt(maxBytes)) throw jsonInputTooLarge(name, byteSize, maxBytes);
}

export function jsonInputTooLarge(name: string, byteSize: bigint | number, maxBytes: number): StatusError {
  return invalid(
    `JSON input '${name}' has a byte_size (${byteSize} bytes) that exceeds the maximum allowed value of ${maxBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}

function badShape(input: InputDescription, problem: string): StatusError {
  return invalid(`invalid shape for input '${input.name}': shape ${shapeToString(input.wireShape)} ${problem}`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
