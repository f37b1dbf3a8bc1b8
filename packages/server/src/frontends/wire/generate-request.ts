import {
  cString,
  customParameter,
  JsonObject,
  type JsonValue,
  jsonMember,
  jsonObject,
  jsonString,
  StatusError,
  type Tensor,
} from '@nereid/protocol';
import type { ModelHandle, ParameterValue } from '../../inference/index.ts';
import { generateInput } from './generate-input.ts';

/** Members a request may have, as parameters of an inference request. */
const MAX_MEMBERS = 10_000;
/** Member whose own members are treated like those of the request. */
const NESTED = 'parameters';

/** A body of the generate extension taken apart: members named like inputs are tensors, all others parameters. */
export interface GenerateRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly parameters: Map<string, ParameterValue>;
}

/** Throws StatusError with Triton's texts. */
export function readGenerateRequest(document: JsonValue, model: ModelHandle, maxInputBytes: number): GenerateRequest {
  const idMember = jsonMember(document, 'id');
  const id = idMember === undefined ? '' : cString(jsonString(idMember, "Unable to parse 'id'"));
  if (!(document instanceof JsonObject)) throw new StatusError('INTERNAL', 'attempt to get members for non-object');
  const reading = new Reading(model, maxInputBytes, id);
  reading.members(document, true);
  return { id, inputs: reading.inputs, parameters: reading.parameters };
}

class Reading {
  readonly inputs: Tensor[] = [];
  readonly parameters = new Map<string, ParameterValue>();
  readonly #model: ModelHandle;
  readonly #id: string;
  readonly #budget: { usedBytes: number; readonly maxBytes: number };

  constructor(model: ModelHandle, maxBytes: number, id: string) {
    this.#model = model;
    this.#id = id;
    this.#budget = { usedBytes: 0, maxBytes };
  }

  members(object: JsonObject, outermost: boolean): void {
    const count = object.names.length;
    if (count > MAX_MEMBERS) throw invalid(`request has ${count} parameters, the limit is ${MAX_MEMBERS}`);
    const seen = new Set<string>();
    object.names.forEach((memberName, index) => {
      const name = cString(memberName);
      if (seen.has(name) && !this.#model.signature.inputIndex.has(name)) return;
      seen.add(name);
      if (outermost && name === NESTED) this.#nested(object.get(NESTED)!);
      else this.#member(name, object.values[index]!);
    });
  }

  #nested(value: JsonValue): void {
    if (this.#model.signature.inputIndex.has(NESTED)) {
      throw invalid(`Keyword '${NESTED}' for nested schema also given as input tensor name`);
    }
    const object = jsonObject(value, `Expected JSON object for keyword: '${NESTED}'`);
    try {
      this.members(object, false);
    } catch (error) {
      const status = StatusError.from(error);
      throw new StatusError(status.code, `Converting keyword: '${NESTED}': ${status.message}`);
    }
  }

  #member(name: string, value: JsonValue): void {
    const { inputIndex, inputs, maxBatchSize } = this.#model.signature;
    const index = inputIndex.get(name);
    if (index === undefined) {
      this.parameters.set(name, customParameter(name, value));
      return;
    }
    if (this.inputs.some((input) => input.name === name)) {
      const id = this.#id === '' ? '<id_unknown>' : this.#id;
      throw invalid(`[request id: ${id}] input '${name}' already exists in request`);
    }
    const { dataType, dims } = inputs[index]!;
    const shape = maxBatchSize > 0 ? [-1, ...dims] : dims;
    this.inputs.push(generateInput(name, dataType, shape, value, this.#budget));
  }
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
