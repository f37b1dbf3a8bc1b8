import { StatusError } from '@nereid/protocol';
import { FIXED64, LENGTH_DELIMITED, ProtoReader, VARINT } from './proto-reader.ts';
import type { TextTable } from './text-table.ts';
import { TypedContents } from './typed-contents.ts';

/** `InferParameter`: which member of the union is set, and its value. */
export type InferParameter =
  | { readonly kind: 'none' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int64'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'uint64'; readonly value: bigint };

export type InferParameters = ReadonlyMap<string, InferParameter>;

/** `ModelInferRequest.InferInputTensor` */
export interface InferInput {
  readonly name: string;
  readonly dataType: string;
  readonly shape: readonly number[];
  readonly parameters: InferParameters;
  /** Undefined when the field is absent; it may be present and empty. */
  readonly contents: TypedContents | undefined;
}

/** `ModelInferRequest.InferRequestedOutputTensor` */
export interface InferOutput {
  readonly name: string;
  readonly parameters: InferParameters;
}

/** `ModelInferRequest`. Contents are views of the message. */
export interface InferRequestMessage {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: InferParameters;
  readonly inputs: InferInput[];
  readonly outputs: InferOutput[];
  readonly rawContents: Buffer[];
}

/** Far above what models have; without them two bytes of a message could cost hundreds of memory. */
const MAX_TENSORS = 10_000;
const MAX_PARAMETERS = 10_000;
const MAX_DIMENSIONS = 1_000_000;

const NO_PARAMETERS: InferParameters = new Map();
const NO_PARAMETER: InferParameter = { kind: 'none' };

/**
 * Reads a `ModelInferRequest` off the wire. Unknown fields are passed over. Throws ProtoError for what is not protobuf and StatusError
 * INVALID_ARG for more inputs, outputs, parameters or dimensions than any model has.
 */
export function decodeInferRequest(message: Buffer, texts: TextTable): InferRequestMessage {
  return new InferRequestReader(message, texts).read();
}

class InferRequestReader {
  readonly #reader: ProtoReader;
  #parameterCount = 0;
  #dimensionCount = 0;

  constructor(message: Buffer, texts: TextTable) {
    this.#reader = new ProtoReader(message, texts);
  }

  read(): InferRequestMessage {
    const reader = this.#reader;
    const request: InferRequestMessage = {
      modelName: '',
      modelVersion: '',
      id: '',
      parameters: NO_PARAMETERS,
      inputs: [],
      outputs: [],
      rawContents: [],
    };
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case (1 << 3) | LENGTH_DELIMITED:
          request.modelName = reader.string();
          break;
        case (2 << 3) | LENGTH_DELIMITED:
          request.modelVersion = reader.string();
          break;
        case (3 << 3) | LENGTH_DELIMITED:
          request.id = reader.string();
          break;
        case (4 << 3) | LENGTH_DELIMITED:
          request.parameters = this.#parameter(request.parameters);
          break;
        case (5 << 3) | LENGTH_DELIMITED:
          checkCount('inputs', request.inputs.length);
          request.inputs.push(this.#input());
          break;
        case (6 << 3) | LENGTH_DELIMITED:
          checkCount('requested outputs', request.outputs.length);
          request.outputs.push(this.#output());
          break;
        case (7 << 3) | LENGTH_DELIMITED:
          checkCount('raw input contents', request.rawContents.length);
          request.rawContents.push(reader.bytes());
          break;
        default:
          reader.skip(tag);
      }
    }
    return request;
  }

  #input(): InferInput {
    const reader = this.#reader;
    const outer = reader.enter();
    let name = '';
    let dataType = '';
    const shape: number[] = [];
    let parameters = NO_PARAMETERS;
    let contents: TypedContents | undefined;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case (1 << 3) | LENGTH_DELIMITED:
          name = reader.string();
          break;
        case (2 << 3) | LENGTH_DELIMITED:
          dataType = reader.string();
          break;
        case (3 << 3) | LENGTH_DELIMITED:
          this.#packedShape(shape);
          break;
        case (3 << 3) | VARINT:
          this.#dimension(shape);
          break;
        case (4 << 3) | LENGTH_DELIMITED:
          parameters = this.#parameter(parameters);
          break;
        case (5 << 3) | LENGTH_DELIMITED:
          contents ??= new TypedContents();
          contents.read(reader);
          break;
        default:
          reader.skip(tag);
      }
    }
    reader.leave(outer);
    return { name, dataType, shape, parameters, contents };
  }

  #packedShape(shape: number[]): void {
    const reader = this.#reader;
    const outer = reader.enter();
    while (reader.pos < reader.end) this.#dimension(shape);
    reader.leave(outer);
  }

  #dimension(shape: number[]): void {
    if (++this.#dimensionCount > MAX_DIMENSIONS) throw tooMany('dimensions', MAX_DIMENSIONS);
    shape.push(this.#reader.int64Number());
  }

  #output(): InferOutput {
    const reader = this.#reader;
    const outer = reader.enter();
    let name = '';
    let parameters = NO_PARAMETERS;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === ((1 << 3) | LENGTH_DELIMITED)) name = reader.string();
      else if (tag === ((2 << 3) | LENGTH_DELIMITED)) parameters = this.#parameter(parameters);
      else reader.skip(tag);
    }
    reader.leave(outer);
    return { name, parameters };
  }

  /** One entry of a map of parameters; of two with one name the last holds. */
  #parameter(parameters: InferParameters): InferParameters {
    if (++this.#parameterCount > MAX_PARAMETERS) throw tooMany('parameters', MAX_PARAMETERS);
    const reader = this.#reader;
    const outer = reader.enter();
    let name = '';
    let value = NO_PARAMETER;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === ((1 << 3) | LENGTH_DELIMITED)) name = reader.string();
      else if (tag === ((2 << 3) | LENGTH_DELIMITED)) value = this.#parameterValue(value);
      else reader.skip(tag);
    }
    reader.leave(outer);
    const map =
      parameters === NO_PARAMETERS ? new Map<string, InferParameter>() : (parameters as Map<string, InferParameter>);
    map.set(name, value);
    return map;
  }

  #parameterValue(before: InferParameter): InferParameter {
    const reader = this.#reader;
    const outer = reader.enter();
    let value = before;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      switch (tag) {
        case (1 << 3) | VARINT:
          value = { kind: 'bool', value: reader.bool() };
          break;
        case (2 << 3) | VARINT:
          value = { kind: 'int64', value: reader.int64() };
          break;
        case (3 << 3) | LENGTH_DELIMITED:
          value = { kind: 'string', value: reader.string() };
          break;
        case (4 << 3) | FIXED64:
          value = { kind: 'double', value: reader.double() };
          break;
        case (5 << 3) | VARINT:
          value = { kind: 'uint64', value: reader.uint64() };
          break;
        default:
          reader.skip(tag);
      }
    }
    reader.leave(outer);
    return value;
  }
}

function checkCount(what: string, count: number): void {
  if (count >= MAX_TENSORS) throw tooMany(what, MAX_TENSORS);
}

function tooMany(what: string, limit: number): StatusError {
  return new StatusError('INVALID_ARG', `request has more than ${limit} ${what}`);
}
