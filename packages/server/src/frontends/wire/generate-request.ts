import {
  cString,
  customParameter,
  JsonLongText,
  JsonObject,
  type JsonValue,
  jsonMember,
  jsonObject,
  jsonString,
  StatusError,
  type Tensor,
} from '@nereid/protocol';
import type { ModelHandle, ParameterValue } from '../../inference/index.ts';
import { GenerateInput, type InputBudget } from './generate-input.ts';

/** Members a request may have, as parameters of an inference request. */
const MAX_MEMBERS = 10_000;
/** Members looked at in one step. */
const STEP_MEMBERS = 256;
/** Longest string that is no input, in bytes. */
export const MAX_TEXT_LENGTH = 1_048_576;
/** Member whose own members are treated like those of the request. */
const NESTED = 'parameters';

/** A body of the generate extension taken apart: members named like inputs are tensors, all others parameters. */
export interface GenerateRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly parameters: Map<string, ParameterValue>;
}

/** An object whose members are being read. */
interface Level {
  readonly object: JsonObject;
  readonly seen: Set<string>;
  next: number;
}

/** A body of the generate extension on its way to a request, in steps. */
export class GenerateRequestReading implements GenerateRequest {
  readonly id: string;
  readonly inputs: Tensor[] = [];
  readonly parameters = new Map<string, ParameterValue>();
  readonly #model: ModelHandle;
  readonly #budget: InputBudget;
  /** The request, and its member `parameters` while that is being read. */
  readonly #levels: Level[] = [];
  #input: GenerateInput | undefined;

  /** Throws StatusError with Triton's texts. */
  constructor(document: JsonValue, model: ModelHandle, maxInputBytes: number) {
    const idMember = jsonMember(document, 'id');
    this.id = idMember === undefined ? '' : cString(jsonString(shortText(idMember), "Unable to parse 'id'"));
    if (!(document instanceof JsonObject)) throw new StatusError('INTERNAL', 'attempt to get members for non-object');
    this.#model = model;
    this.#budget = { usedBytes: 0, maxBytes: maxInputBytes };
    this.#open(document);
  }

  /** True when the request is complete. Throws StatusError with Triton's texts. */
  step(): boolean {
    const depth = this.#levels.length;
    try {
      if (this.#input !== undefined) this.#readInput(this.#input);
      for (let members = 0; members < STEP_MEMBERS && this.#input === undefined; members++) {
        if (!this.#nextMember()) return true;
      }
      return false;
    } catch (error) {
      if (depth < 2 && this.#levels.length < 2) throw error;
      const status = StatusError.from(error);
      throw new StatusError(status.code, `Converting keyword: '${NESTED}': ${status.message}`);
    }
  }

  /** False when there is none left. */
  #nextMember(): boolean {
    const level = this.#levels.at(-1);
    if (level === undefined) return false;
    const { object, seen } = level;
    if (level.next === object.names.length) {
      this.#levels.pop();
      return true;
    }
    const index = level.next++;
    const name = cString(object.names[index]!);
    if (seen.has(name) && !this.#model.signature.inputIndex.has(name)) return true;
    seen.add(name);
    if (this.#levels.length === 1 && name === NESTED) this.#nested(object.get(NESTED)!);
    else this.#member(name, object.values[index]!);
    return true;
  }

  #open(object: JsonObject): void {
    this.#levels.push({ object, seen: new Set(), next: 0 });
    const count = object.names.length;
    if (count > MAX_MEMBERS) throw invalid(`request has ${count} parameters, the limit is ${MAX_MEMBERS}`);
  }

  #nested(value: JsonValue): void {
    if (this.#model.signature.inputIndex.has(NESTED)) {
      throw invalid(`Keyword '${NESTED}' for nested schema also given as input tensor name`);
    }
    this.#open(jsonObject(value, `Expected JSON object for keyword: '${NESTED}'`));
  }

  #member(name: string, value: JsonValue): void {
    const { inputIndex, inputs, maxBatchSize } = this.#model.signature;
    const index = inputIndex.get(name);
    if (index === undefined) {
      this.parameters.set(name, customParameter(name, shortText(value)));
      return;
    }
    if (this.inputs.some((input) => input.name === name)) {
      const id = this.id === '' ? '<id_unknown>' : this.id;
      throw invalid(`[request id: ${id}] input '${name}' already exists in request`);
    }
    const { dataType, dims } = inputs[index]!;
    const shape = maxBatchSize > 0 ? [-1, ...dims] : dims;
    this.#readInput(new GenerateInput(name, dataType, shape, value, this.#budget));
  }

  #readInput(input: GenerateInput): void {
    this.#input = input;
    if (!input.step()) return;
    this.inputs.push(input.tensor);
    this.#input = undefined;
  }
}

/** A value that is no input's: long strings are refused. */
function shortText(value: JsonValue): JsonValue {
  if (!(value instanceof JsonLongText)) return value;
  if (value.byteLength <= MAX_TEXT_LENGTH) return value.toString();
  throw invalid(`request JSON has a string of more than ${MAX_TEXT_LENGTH} characters outside tensor data`);
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
