import { ByteWriter, TensorJsonWriter } from '../json/index.ts';
import type { Tensor } from '../tensor.ts';
import type { SharedMemoryReference, WireInferRequest, WireOutput, WireParameter } from './request.ts';
import { writeParameter } from './response-encoder.ts';

/** An input to be sent, or one that the server finds in shared memory. */
export type EncodableInput =
  | { readonly tensor: Tensor; readonly form: 'binary' | 'json' }
  | {
      readonly tensor: Omit<Tensor, 'data'>;
      readonly form: 'sharedMemory';
      readonly sharedMemory: SharedMemoryReference;
    };

/** A request before it is bytes. */
export interface EncodableInferRequest extends Omit<WireInferRequest, 'inputs' | 'parameters'> {
  readonly parameters: ReadonlyMap<string, WireParameter>;
  readonly inputs: readonly EncodableInput[];
}

/** A request body in pieces, to be sent one behind the other. */
export interface EncodedInferRequest {
  readonly json: Uint8Array;
  /** Contents of the binary inputs in their order, not copied. */
  readonly binaryParts: readonly Uint8Array[];
  /** False: the whole body is JSON, and no header has to say where it ends. */
  readonly hasBinary: boolean;
}

const INITIAL_BYTES = 512;

/**
 * Writes an inference request of the KServe v2 HTTP protocol with Triton's extensions. Throws StatusError for contents that have no JSON
 * form (FP16, BF16) or do not fit their shape.
 */
export function encodeInferRequest(request: EncodableInferRequest): EncodedInferRequest {
  const writer = new ByteWriter(INITIAL_BYTES);
  writer.byte(123);
  if (request.id !== '') {
    writer.ascii('"id":');
    writer.string(request.id);
    writer.byte(44);
  }
  const parameters = requestParameters(request);
  if (parameters.length > 0) {
    writeObject(writer, '"parameters":', parameters);
    writer.byte(44);
  }
  const binaryParts: Uint8Array[] = [];
  writeList(writer, '"inputs":', request.inputs, (input) => writeInput(writer, input, binaryParts));
  if (request.outputs.length > 0) {
    writer.byte(44);
    writeList(writer, '"outputs":', request.outputs, (output) => writeOutput(writer, output));
  }
  writer.byte(125);
  const hasBinary = request.inputs.some(({ form }) => form === 'binary');
  return { json: writer.view(), binaryParts, hasBinary };
}

type Members = readonly (readonly [name: string, value: WireParameter])[];

function requestParameters(request: EncodableInferRequest): Members {
  const members: [string, WireParameter][] = [...request.parameters];
  const { correlationId } = request;
  if (correlationId !== 0n && correlationId !== '') {
    members.push(['sequence_id', correlationId]);
    members.push(['sequence_start', request.sequenceStart], ['sequence_end', request.sequenceEnd]);
  }
  if (request.priority !== 0) members.push(['priority', request.priority]);
  if (request.timeoutMicros !== 0) members.push(['timeout', request.timeoutMicros]);
  if (request.binaryOutputs && request.outputs.length === 0) members.push(['binary_data_output', true]);
  return members;
}

function writeInput(writer: ByteWriter, input: EncodableInput, binaryParts: Uint8Array[]): void {
  const { name, dataType, shape } = input.tensor;
  writer.ascii('{"name":');
  writer.string(name);
  writer.ascii(`,"datatype":"${dataType}","shape":[`);
  shape.forEach((dim, index) => {
    if (index > 0) writer.byte(44);
    writer.integer(dim);
  });
  writer.byte(93);
  if (input.form === 'sharedMemory') {
    writeObject(writer, ',"parameters":', sharedMemoryParameters(input.sharedMemory));
  } else if (input.form === 'binary') {
    writeObject(writer, ',"parameters":', [['binary_data_size', input.tensor.data.byteLength]]);
    if (input.tensor.data.byteLength > 0) binaryParts.push(input.tensor.data);
  } else {
    const contents = new TensorJsonWriter(
      input.tensor,
      shape.reduce((product, dim) => product * dim, 1),
    );
    writer.ascii(',"data":[');
    contents.run(writer, Number.POSITIVE_INFINITY);
    writer.byte(93);
  }
  writer.byte(125);
}

function writeOutput(writer: ByteWriter, { name, binary, classCount, sharedMemory }: WireOutput): void {
  writer.ascii('{"name":');
  writer.string(name);
  const parameters: [string, WireParameter][] = [];
  if (sharedMemory === undefined) {
    if (classCount > 0) parameters.push(['classification', classCount]);
    if (binary) parameters.push(['binary_data', true]);
  } else {
    parameters.push(...sharedMemoryParameters(sharedMemory));
  }
  if (parameters.length > 0) writeObject(writer, ',"parameters":', parameters);
  writer.byte(125);
}

function sharedMemoryParameters({ region, offset, byteSize }: SharedMemoryReference): [string, WireParameter][] {
  const members: [string, WireParameter][] = [
    ['shared_memory_region', region],
    ['shared_memory_byte_size', byteSize],
  ];
  if (offset !== 0) members.push(['shared_memory_offset', offset]);
  return members;
}

function writeObject(writer: ByteWriter, label: string, members: Members): void {
  writer.ascii(label);
  writer.byte(123);
  members.forEach(([name, value], index) => {
    if (index > 0) writer.byte(44);
    writer.string(name);
    writer.byte(58);
    writeParameter(writer, value);
  });
  writer.byte(125);
}

function writeList<Item>(writer: ByteWriter, label: string, items: readonly Item[], write: (item: Item) => void): void {
  writer.ascii(label);
  writer.byte(91);
  items.forEach((item, index) => {
    if (index > 0) writer.byte(44);
    write(item);
  });
  writer.byte(93);
}
