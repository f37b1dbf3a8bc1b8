import {
  cString,
  type DataType,
  dataTypeByteSize,
  isDataType,
  type SharedMemorySource,
  StatusError,
  type Tensor,
} from '@nereid/protocol';
import type { InferInput, InferRequestMessage } from '../codec/infer-request.ts';
import type { ContentsField, TypedContents } from '../codec/typed-contents.ts';
import { sharedMemoryReference } from './shared-memory-reference.ts';

/** Data type of each contents field; the two of 32 bits hold the smaller ones too. */
const FIELD_TYPES: Readonly<Record<ContentsField, DataType>> = {
  bool_contents: 'BOOL',
  int_contents: 'INT32',
  int64_contents: 'INT64',
  uint_contents: 'UINT32',
  uint64_contents: 'UINT64',
  fp32_contents: 'FP32',
  fp64_contents: 'FP64',
  bytes_contents: 'BYTES',
};
const NARROW: Readonly<Partial<Record<ContentsField, readonly string[]>>> = {
  int_contents: ['INT8', 'INT16'],
  uint_contents: ['UINT8', 'UINT16'],
};
const NO_BYTES = new Uint8Array(0);

export interface InputOptions {
  /** What contents given as typed elements may take as bytes: a one-byte varint can stand for eight of them. */
  readonly maxTypedBytes: number;
  /** Where inputs in shared memory are found. */
  readonly sharedMemory: SharedMemorySource;
}

/**
 * The input tensors of a request, contents from wherever they are: shared memory, typed elements or raw bytes, which are views of the message.
 * Throws StatusError with Triton's texts.
 */
export function readInputs(request: InferRequestMessage, options: InputOptions): Tensor[] {
  let nextRaw = 0;
  return request.inputs.map((input): Tensor => {
    const { name, dataType, shape, parameters, contents } = input;
    const reference = sharedMemoryReference(parameters, name);
    let data: Uint8Array;
    if (reference !== undefined) {
      if (contents !== undefined) {
        throw invalid(
          `unexpected 'content' provided when using shared memory for input tensor '${name}' for model '${request.modelName}'`,
        );
      }
      data = options.sharedMemory.read(reference, isDataType(dataType) ? dataType : undefined);
    } else if (contents !== undefined) {
      if (request.rawContents.length > 0) {
        throw invalid(
          `contents field must not be specified when using raw_input_contents for '${name}' for model '${request.modelName}'`,
        );
      }
      data = typedBytes(input, contents, request.modelName, options.maxTypedBytes);
    } else {
      const raw = request.rawContents[nextRaw++];
      if (raw === undefined) {
        throw invalid(`unable to find data for input tensor '${name}' for model '${request.modelName}' in request.`);
      }
      data = raw;
    }
    // A name that is no data type is passed on: the core compares it with what the model expects.
    const known = isDataType(dataType) ? dataType : INVALID_TYPE;
    return { name: cString(name), dataType: known, shape, data };
  });
}

/** What Triton prints for a data type that it does not know. */
const INVALID_TYPE = '<invalid>' as DataType;

function typedBytes(input: InferInput, contents: TypedContents, modelName: string, maxBytes: number): Uint8Array {
  const { name, dataType } = input;
  const [first, second] = contents.given();
  if (first === undefined) return NO_BYTES;
  const { field } = first;
  const start = `unexpected explicit tensor data for input tensor '${name}' for model '${modelName}'`;
  const fieldType = NARROW[field]?.includes(dataType) ? dataType : FIELD_TYPES[field];
  if (fieldType !== dataType || !isDataType(dataType)) {
    throw invalid(
      `${start} of type '${fieldType}', expected datatype '${isDataType(dataType) ? dataType : INVALID_TYPE}'`,
    );
  }
  const elementBytes = dataTypeByteSize(dataType);
  const byteLength = contents.byteLength(field, elementBytes);
  if (byteLength > maxBytes) {
    throw invalid(`input '${name}' for model '${modelName}' takes ${byteLength} bytes, the limit is ${maxBytes} bytes`);
  }
  if (second !== undefined) throw invalid(`${start}, binary data was already supplied.`);
  return contents.toBytes(field, elementBytes);
}

/** Are there typed elements of which there are so many that reading them takes long? */
export function hasLongContents({ inputs }: InferRequestMessage): boolean {
  for (const { contents } of inputs) if (contents?.isLong === true) return true;
  return false;
}

/** Reads typed elements of which there are many, in steps. Throws ProtoError. */
export function* prepareContents({ inputs }: InferRequestMessage, maxTypedBytes: number): Generator<undefined, void> {
  for (const { contents, dataType } of inputs) {
    if (contents?.isLong !== true) continue;
    yield* contents.prepare(isDataType(dataType) ? dataTypeByteSize(dataType) : 0, maxTypedBytes);
  }
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
