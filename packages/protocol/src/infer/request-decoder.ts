import {
  cString,
  JsonCursor,
  JsonReader,
  type JsonTensorData,
  type JsonValue,
  jsonArray,
  jsonMember,
  jsonRequiredMember,
  jsonString,
  StringTable,
  TensorDataReader,
  TensorMemory,
} from '../json/index.ts';
import { StatusError } from '../status.ts';
import type { Tensor } from '../tensor.ts';
import type { SharedMemoryReference, SharedMemorySource, WireInferRequest, WireOutput } from './request.ts';
import { checkJsonInput, describeInput, type InputDescription, jsonInputTooLarge } from './request-inputs.ts';
import { readOutput } from './request-outputs.ts';
import { RequestParameters } from './request-parameters.ts';

/** A request body and what the decoder has to know about it. */
export interface InferRequestBody {
  /** The JSON text, then the contents of the binary inputs in their order. */
  readonly bytes: Uint8Array;
  /** Length of the JSON text; `bytes.length` when nothing follows it. */
  readonly jsonLength: number;
  /** The byte behind `bytes` in its buffer exists, is 0 and stays so: the text can be read where it is. */
  readonly padded?: boolean;
  /** For error texts. */
  readonly modelName: string;
  /** Data type of an input of the model; undefined when it has none of that name. For error texts. */
  readonly expectedDataType?: (inputName: string) => string | undefined;
  /** Where inputs and outputs in shared memory are found; `InferRequestDecoderOptions.sharedMemory` when not given. */
  readonly sharedMemory?: SharedMemorySource | undefined;
}

export interface InferRequestDecoderOptions {
  /** Largest JSON text, and largest contents of one tensor given in it. */
  readonly maxInputBytes: number;
  /** Contents of a shared memory region, for bodies without a source of their own. Throws StatusError for one that is not known. */
  readonly sharedMemory: (reference: SharedMemoryReference) => Uint8Array;
}

/** Texts up to this size are copied into memory that is used again, for the zero byte behind them. */
const SCRATCH_BYTES = 65536;

/**
 * Decodes inference requests. Tensors of a JSON request are new memory; those of a binary request are views into the body.
 * A decoder belongs to one thread and may be used for any number of requests, one after another or (with `begin`) side by side.
 */
export class InferRequestDecoder {
  readonly options: InferRequestDecoderOptions;
  readonly #strings = new StringTable();
  readonly #memory = new TensorMemory();
  readonly #scratch = new Uint8Array(SCRATCH_BYTES + 1);

  constructor(options: InferRequestDecoderOptions) {
    this.options = options;
  }

  /** Decodes at once. Throws StatusError with Triton's texts. */
  decode(body: InferRequestBody): WireInferRequest {
    const decoding = new InferRequestDecoding(
      this.options,
      { strings: this.#strings, memory: this.#memory },
      body,
      this.#text(body),
    );
    decoding.run(Number.POSITIVE_INFINITY);
    return decoding.result;
  }

  /** Begins to decode a body of any size; the caller calls `run` until it answers true. */
  begin(body: InferRequestBody): InferRequestDecoding {
    return new InferRequestDecoding(
      this.options,
      { strings: this.#strings, memory: this.#memory },
      body,
      paddedText(body),
    );
  }

  #text(body: InferRequestBody): Uint8Array {
    const { bytes, jsonLength } = body;
    if (jsonLength > SCRATCH_BYTES) return paddedText(body);
    this.#scratch.set(jsonLength === bytes.length ? bytes : bytes.subarray(0, jsonLength));
    this.#scratch[jsonLength] = 0;
    return this.#scratch;
  }
}

/** The JSON text with a zero byte behind it. */
function paddedText({ bytes, jsonLength, padded }: InferRequestBody): Uint8Array {
  if (padded === true && jsonLength === bytes.length) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, jsonLength + 1);
  }
  const copy = new Uint8Array(jsonLength + 1);
  copy.set(bytes.subarray(0, jsonLength));
  return copy;
}

/** What the requests of one decoder have in common. */
interface SharedParts {
  readonly strings: StringTable;
  readonly memory: TensorMemory;
}

type Stage = 'parse' | 'inputs' | 'outputs' | 'done';

/** An input whose array could not be read while the text was parsed, because its type or shape came behind it. */
interface DeferredInput {
  readonly input: InputDescription;
  readonly data: JsonTensorData;
  readonly cursor: JsonCursor;
}

/** Ids, names and parameters are read in one piece, and names come back in error texts; contents of tensors are bounded by `maxInputBytes`. */
const MAX_STRING_LENGTH = 1_048_576;

/** Names are compared one by one while that is cheaper than a set. */
const FEW_NAMES = 16;

/** Values outside tensors' contents: those of 10,000 inputs. */
const MAX_VALUES = 100_000;

/** Arrays and objects that somebody looks into: the request, its parameters, its inputs and outputs, their shapes and parameters. */
function isWanted(depth: number, name: string, member: string | undefined): boolean {
  if (depth === 1) return name === 'inputs' || name === 'outputs' || name === 'parameters';
  if (depth === 2) return member !== 'parameters';
  if (depth === 3) return member !== 'parameters' && (name === 'shape' || name === 'parameters');
  return depth === 0;
}

/** What looking at one input or output is worth in bytes of text. */
const DESCRIPTION_COST_BYTES = 512;

/** One body on its way from bytes to a request. */
export class InferRequestDecoding {
  readonly #options: InferRequestDecoderOptions;
  readonly #body: InferRequestBody;
  readonly #text: Uint8Array;
  readonly #strings: StringTable;
  readonly #tensors: TensorDataReader;
  readonly #reader: JsonReader;
  #stage: Stage = 'parse';
  #id = '';
  readonly #parameters = new RequestParameters();
  #pendingInputs: readonly JsonValue[] = [];
  #pendingOutputs: readonly JsonValue[] = [];
  readonly #inputs: Tensor[] = [];
  readonly #outputs: WireOutput[] = [];
  /** Names seen among the inputs, then among the outputs, when there are many. */
  #names: Set<string> | undefined;
  #deferred: DeferredInput | undefined;
  #binaryOffset: number;
  #result: WireInferRequest | undefined;

  constructor(options: InferRequestDecoderOptions, shared: SharedParts, body: InferRequestBody, text: Uint8Array) {
    if (body.jsonLength > options.maxInputBytes) throw jsonTooLarge(body.jsonLength, options.maxInputBytes);
    this.#options = options;
    this.#strings = shared.strings;
    this.#body = body;
    this.#text = text;
    this.#binaryOffset = body.jsonLength;
    this.#tensors = new TensorDataReader(body.jsonLength, options.maxInputBytes, shared.memory);
    this.#reader = new JsonReader(text, 0, {
      tensors: this.#tensors,
      strings: shared.strings,
      maxStringLength: MAX_STRING_LENGTH,
      maxValues: MAX_VALUES,
      isWanted,
    });
  }

  get result(): WireInferRequest {
    if (this.#result === undefined) throw new StatusError('INTERNAL', 'the request is not decoded yet');
    return this.#result;
  }

  /** Works on about `byteBudget` bytes of the text; true when the request is complete. Throws StatusError with Triton's texts. */
  run(byteBudget: number): boolean {
    if (this.#stage === 'parse') {
      if (!this.#reader.run(byteBudget)) return false;
      this.#readHead(this.#reader.root);
      this.#stage = 'inputs';
    }
    if (this.#stage === 'inputs') {
      if (!this.#readInputs(byteBudget)) return false;
      this.#startOutputs(this.#reader.root);
      this.#stage = 'outputs';
    }
    if (this.#stage === 'outputs') {
      if (!this.#readOutputs(byteBudget)) return false;
      this.#finish();
      this.#stage = 'done';
    }
    return true;
  }

  #readHead(root: JsonValue): void {
    const id = jsonMember(root, 'id');
    if (id !== undefined) this.#id = cString(jsonString(id, "Unable to parse 'id'"));
    this.#parameters.read(jsonMember(root, 'parameters'));
    const context = "Unable to parse 'inputs'";
    this.#pendingInputs = jsonArray(jsonRequiredMember(root, 'inputs', context), context);
  }

  #readInputs(byteBudget: number): boolean {
    if (this.#deferred !== undefined && !this.#readDeferred(byteBudget)) return false;
    let spent = 0;
    while (this.#inputs.length < this.#pendingInputs.length) {
      if (spent >= byteBudget) return false;
      spent += DESCRIPTION_COST_BYTES;
      const input = describeInput(this.#pendingInputs[this.#inputs.length]!);
      this.#checkName('input', input.name);
      const { source } = input;
      if (source.kind === 'binary') {
        this.#add(input, this.#takeBinary(input.name, source.byteSize));
      } else if (source.kind === 'sharedMemory') {
        this.#add(input, this.#sharedMemory.read(source.reference, input.dataType));
      } else if (!this.#readJson(input, source.value, byteBudget)) {
        return false;
      }
    }
    return true;
  }

  get #sharedMemory(): SharedMemorySource {
    const { sharedMemory } = this.#options;
    return this.#body.sharedMemory ?? { read: sharedMemory, reserve: sharedMemory };
  }

  #checkName(kind: 'input' | 'output', name: string): void {
    if (this.#isTaken(kind === 'input' ? this.#inputs : this.#outputs, name)) {
      throw this.#invalid(`${kind} '${name}' already exists in request`);
    }
  }

  #isTaken(earlier: readonly { readonly name: string }[], name: string): boolean {
    if (earlier.length < FEW_NAMES) {
      for (let index = 0; index < earlier.length; index++) if (earlier[index]!.name === name) return true;
      return false;
    }
    this.#names ??= new Set(earlier.map((tensor) => tensor.name));
    const taken = this.#names.has(name);
    this.#names.add(name);
    return taken;
  }

  /** INVALID_ARG with the request's id in front, as Triton's core words it. */
  #invalid(message: string): StatusError {
    const id = this.#id === '' ? '<id_unknown>' : this.#id;
    return new StatusError('INVALID_ARG', `[request id: ${id}] ${message}`);
  }

  #takeBinary(name: string, byteSize: number | bigint): Uint8Array {
    const left = this.#body.bytes.length - this.#binaryOffset;
    if (typeof byteSize === 'bigint' || byteSize > left) {
      throw new StatusError(
        'INVALID_ARG',
        `unexpected size for input '${name}', expecting ${BigInt(byteSize) - BigInt(left)} additional bytes for model '${this.#body.modelName}'`,
      );
    }
    const offset = this.#binaryOffset;
    this.#binaryOffset += byteSize;
    const { buffer, byteOffset } = this.#body.bytes;
    return new Uint8Array(buffer, byteOffset + offset, byteSize);
  }

  #readJson(input: InputDescription, value: JsonValue, byteBudget: number): boolean {
    const count = checkJsonInput(input, this.#options.maxInputBytes);
    if (count === 0) {
      this.#add(input, new Uint8Array(0));
      return true;
    }
    const data = value as JsonTensorData;
    if (data.contents !== undefined || data.failure !== undefined) return this.#addJson(input, data);
    const cursor = new JsonCursor(this.#text, 0, this.#strings);
    cursor.pos = data.start;
    this.#tensors.begin(cursor, input.dataType!, count);
    this.#deferred = { input, data, cursor };
    return this.#readDeferred(byteBudget);
  }

  #readDeferred(byteBudget: number): boolean {
    const { input, data, cursor } = this.#deferred!;
    const outcome = this.#tensors.read(cursor, cursor.pos + byteBudget);
    if (outcome === 'more') return false;
    this.#tensors.finish(data);
    this.#deferred = undefined;
    return this.#addJson(input, data);
  }

  #addJson(input: InputDescription, data: JsonTensorData): boolean {
    if (data.failure !== undefined) throw data.failure;
    if (data.byteLength > this.#options.maxInputBytes) {
      throw jsonInputTooLarge(input.name, data.byteLength, this.#options.maxInputBytes);
    }
    this.#add(input, data.contents!);
    return true;
  }

  #add(input: InputDescription, data: Uint8Array): void {
    const dataType = input.dataType;
    if (dataType === undefined) throw this.#unknownDataType(input.name);
    this.#inputs.push({ name: input.name, dataType, shape: input.shape, data });
  }

  #unknownDataType(name: string): StatusError {
    const { modelName, expectedDataType } = this.#body;
    const expected = expectedDataType?.(name);
    if (expected === undefined) {
      return new StatusError('INVALID_ARG', `unexpected inference input '${name}' for model '${modelName}'`);
    }
    return this.#invalid(
      `inference input '${name}' data-type is '<invalid>', but model '${modelName}' expects '${expected}'`,
    );
  }

  #startOutputs(root: JsonValue): void {
    if (this.#binaryOffset !== this.#body.bytes.length) {
      throw new StatusError('INVALID_ARG', `unexpected additional input data for model '${this.#body.modelName}'`);
    }
    const outputs = jsonMember(root, 'outputs');
    if (outputs !== undefined) this.#pendingOutputs = jsonArray(outputs, "Unable to parse 'outputs'");
    this.#names = undefined;
  }

  #readOutputs(byteBudget: number): boolean {
    let spent = 0;
    while (this.#outputs.length < this.#pendingOutputs.length) {
      if (spent >= byteBudget) return false;
      spent += DESCRIPTION_COST_BYTES;
      const output = this.#pendingOutputs[this.#outputs.length]!;
      const described = readOutput(output, (name) => this.#checkName('output', name));
      if (described.sharedMemory !== undefined) this.#sharedMemory.reserve(described.sharedMemory);
      this.#outputs.push(described);
    }
    return true;
  }

  #finish(): void {
    const parameters = this.#parameters;
    this.#result = {
      id: this.#id,
      parameters: parameters.custom,
      correlationId: parameters.correlationId,
      sequenceStart: parameters.sequenceStart,
      sequenceEnd: parameters.sequenceEnd,
      priority: parameters.priority,
      timeoutMicros: parameters.timeoutMicros,
      inputs: this.#inputs,
      outputs: this.#outputs,
      binaryOutputs: parameters.binaryOutputs,
    };
  }
}

function jsonTooLarge(jsonBytes: number, maxBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request JSON size of ${jsonBytes} bytes exceeds the maximum allowed input size of ${maxBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}
