import { BYTES_PREFIX_SIZE } from '../bytes-elements.ts';
import { dataTypeByteSize, isDataType } from '../data-type.ts';
import {
  JsonCursor,
  JsonObject,
  JsonReader,
  JsonTensorData,
  type JsonValue,
  jsonArray,
  jsonMember,
  jsonRequiredMember,
  jsonString,
  jsonUnsigned,
  StringTable,
  TensorDataReader,
  TensorMemory,
} from '../json/index.ts';
import { countElements } from '../shape.ts';
import { StatusError } from '../status.ts';
import type { Tensor } from '../tensor.ts';
import type { WireParameter } from './request.ts';
import { customParameter } from './request-parameters.ts';

/** An output as it came: its contents, or none because the server put them into shared memory. */
export interface DecodedOutput extends Omit<Tensor, 'data'> {
  readonly data: Uint8Array | undefined;
}

/** An inference response of the KServe v2 HTTP protocol with Triton's extensions, taken apart. */
export interface DecodedInferResponse {
  /** '' when the request had none. */
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly parameters: ReadonlyMap<string, WireParameter>;
  readonly outputs: readonly DecodedOutput[];
}

/** A response body: the JSON text, then the contents of the binary outputs in their order. */
export interface InferResponseBody {
  readonly bytes: Uint8Array;
  /** Length of the JSON text; `bytes.length` when nothing follows it. */
  readonly jsonLength: number;
}

const MAX_DIMS = 4096;

/**
 * Decodes inference responses. Contents of binary outputs are views into the body, those given as JSON are new memory. Whatever a server
 * claims, no more memory is taken than a small multiple of the body. A decoder belongs to one thread and serves any number of responses.
 */
export class InferResponseDecoder {
  readonly #strings = new StringTable();
  readonly #memory = new TensorMemory();

  /** Throws StatusError INTERNAL or INVALID_ARG, with what is wrong and where. */
  decode({ bytes, jsonLength }: InferResponseBody): DecodedInferResponse {
    if (!Number.isSafeInteger(jsonLength) || jsonLength < 0 || jsonLength > bytes.length) {
      throw new StatusError('INTERNAL', `length of the JSON is ${jsonLength}, the body has ${bytes.length} bytes`);
    }
    const text = new Uint8Array(jsonLength + 1);
    text.set(bytes.subarray(0, jsonLength));
    const tensors = new TensorDataReader(jsonLength, Number.MAX_SAFE_INTEGER, this.#memory);
    const reader = new JsonReader(text, 0, { tensors, tensorList: 'outputs', strings: this.#strings });
    reader.run(Number.POSITIVE_INFINITY);
    const outputs = new OutputReading(text, bytes, jsonLength, tensors, this.#strings);
    const { root } = reader;
    return {
      id: optionalString(root, 'id'),
      modelName: optionalString(root, 'model_name'),
      modelVersion: optionalString(root, 'model_version'),
      parameters: readParameters(jsonMember(root, 'parameters')),
      outputs: outputs.read(root),
    };
  }
}

class OutputReading {
  readonly #text: Uint8Array;
  readonly #body: Uint8Array;
  readonly #tensors: TensorDataReader;
  readonly #strings: StringTable;
  #offset: number;

  constructor(
    text: Uint8Array,
    body: Uint8Array,
    binaryOffset: number,
    tensors: TensorDataReader,
    strings: StringTable,
  ) {
    this.#text = text;
    this.#body = body;
    this.#offset = binaryOffset;
    this.#tensors = tensors;
    this.#strings = strings;
  }

  read(root: JsonValue): DecodedOutput[] {
    const context = "Unable to parse 'outputs'";
    const outputs = jsonArray(jsonRequiredMember(root, 'outputs', context), context);
    const decoded = outputs.map((output) => this.#output(output));
    if (this.#offset !== this.#body.length) {
      throw invalid(`${this.#body.length - this.#offset} bytes behind the binary outputs belong to none of them`);
    }
    return decoded;
  }

  #output(output: JsonValue): DecodedOutput {
    const name = jsonString(jsonRequiredMember(output, 'name', "Unable to parse 'name'"), "Unable to parse 'name'");
    const dataType = jsonString(jsonMember(output, 'datatype'), `datatype of output '${name}'`);
    if (!isDataType(dataType)) throw invalid(`output '${name}' has unknown datatype '${dataType}'`);
    const shape = readShape(name, jsonMember(output, 'shape'));
    const declared = { name, dataType, shape };
    const binarySize = jsonMember(jsonMember(output, 'parameters'), 'binary_data_size');
    if (binarySize !== undefined) return { ...declared, data: this.#binary(declared, binarySize) };
    const data = jsonMember(output, 'data');
    return { ...declared, data: data === undefined ? undefined : this.#json(declared, data) };
  }

  #binary(output: Omit<Tensor, 'data'>, size: JsonValue): Uint8Array {
    const byteSize = Number(jsonUnsigned(size, `binary_data_size of output '${output.name}'`));
    const left = this.#body.length - this.#offset;
    if (byteSize > left) throw invalid(`output '${output.name}' claims ${byteSize} bytes, the body has ${left} left`);
    const start = this.#offset;
    this.#offset += byteSize;
    const data = this.#body.subarray(start, this.#offset);
    checkTensorContents({ ...output, data });
    return data;
  }

  #json(output: Omit<Tensor, 'data'>, value: JsonValue): Uint8Array {
    const count = elementCount(output);
    if (count === 0) return new Uint8Array(0);
    if (!(value instanceof JsonTensorData)) throw invalid(`data of output '${output.name}' is no array`);
    if (value.contents === undefined && value.failure === undefined) this.#readDeferred(output, value, count);
    if (value.failure !== undefined) throw invalid(`output '${output.name}': ${value.failure.message}`);
    const data = value.contents!;
    checkTensorContents({ ...output, data });
    return data;
  }

  /** An array in front of its type and shape: its place was kept, now it can be read. */
  #readDeferred(output: Omit<Tensor, 'data'>, value: JsonTensorData, count: number): void {
    const cursor = new JsonCursor(this.#text, 0, this.#strings);
    cursor.pos = value.start;
    if (!this.#tensors.begin(cursor, output.dataType, count)) {
      throw invalid(`output '${output.name}' of type ${output.dataType} cannot be given as JSON`);
    }
    this.#tensors.read(cursor, Number.POSITIVE_INFINITY);
    this.#tensors.finish(value);
  }
}

/**
 * Checks that contents are what type and shape say; for BYTES that the lengths in them add up. Takes no memory.
 * Throws StatusError INVALID_ARG.
 */
export function checkTensorContents(tensor: Tensor): void {
  const { name, dataType, data } = tensor;
  const count = elementCount(tensor);
  const size = dataTypeByteSize(dataType);
  const printed = `tensor '${name}' of type ${dataType} and shape [${tensor.shape.join(',')}]`;
  if (dataType !== 'BYTES') {
    if (data.byteLength !== count * size) {
      throw invalid(`${printed} needs ${count * size} bytes, got ${data.byteLength}`);
    }
    return;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let elements = 0;
  let offset = 0;
  while (offset < data.byteLength) {
    const left = data.byteLength - offset;
    const length = left < BYTES_PREFIX_SIZE ? left : view.getUint32(offset, true);
    if (length > left - BYTES_PREFIX_SIZE) {
      throw invalid(`${printed}: element ${elements} at byte ${offset} does not fit the ${left} bytes that are left`);
    }
    offset += BYTES_PREFIX_SIZE + length;
    elements++;
  }
  if (elements !== count) throw invalid(`${printed} needs ${count} elements, got ${elements}`);
}

/** Elements of a shape; one for a scalar's empty shape. */
function elementCount({ name, shape }: Omit<Tensor, 'data'>): number {
  if (shape.length === 0) return 1;
  const count = countElements(shape);
  if (typeof count !== 'number') throw invalid(`shape [${shape.join(',')}] of tensor '${name}' is not possible`);
  return count;
}

function readShape(name: string, value: JsonValue | undefined): readonly number[] {
  const context = `shape of output '${name}'`;
  const dims = jsonArray(value, context);
  if (dims.length > MAX_DIMS) throw invalid(`${context} has ${dims.length} dimensions, the limit is ${MAX_DIMS}`);
  return dims.map((dim) => Number(jsonUnsigned(dim, context)));
}

function optionalString(root: JsonValue, member: string): string {
  const value = jsonMember(root, member);
  return value === undefined || value === null ? '' : jsonString(value, `Unable to parse '${member}'`);
}

function readParameters(value: JsonValue | undefined): ReadonlyMap<string, WireParameter> {
  const parameters = new Map<string, WireParameter>();
  if (!(value instanceof JsonObject)) return parameters;
  // Of members with one name the first wins, as everywhere.
  value.names.forEach((name, index) => {
    if (!parameters.has(name)) parameters.set(name, customParameter(name, value.values[index]!));
  });
  return parameters;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
