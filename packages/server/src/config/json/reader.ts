import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';

/**
 * Reads a configuration from JSON, as a load request's `config` override gives it: proto or camelCase field names, enums by name in any case
 * or by number, 64-bit integers as numbers or strings. Unknown fields are errors.
 * @throws StatusError INVALID_ARG
 */
export function parseModelConfigJson(json: string): ModelConfig {
  try {
    const value = JSON.parse(json, keepLargeIntegers) as JsonValue;
    return fromJson(ModelConfigSchema, adaptMessage(value, ModelConfigSchema));
  } catch (error) {
    throw new StatusError('INVALID_ARG', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** JSON.parse rounds integers above 2^53; as strings they reach 64-bit fields whole. */
function keepLargeIntegers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}

/**
 * Bridges what the library's reader leaves out: protobuf's parser in Triton takes `type_fp32` for `TYPE_FP32` (the schema's names are all in
 * capitals), and a float has the precision of a float.
 */
function adaptMessage(value: JsonValue, desc: DescMessage): JsonValue {
  if (!isObject(value)) return value;
  const members: [string, JsonValue][] = [];
  for (const [name, member] of Object.entries(value)) {
    const field = desc.fields.find((candidate) => candidate.name === name || candidate.jsonName === name);
    members.push([name, field ? adaptMember(member, field) : member]);
  }
  return Object.fromEntries(members);
}

function adaptMember(value: JsonValue, field: DescField): JsonValue {
  if (field.fieldKind === 'list' && Array.isArray(value)) return value.map((item) => adaptValue(item, field));
  if (field.fieldKind === 'map' && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, adaptValue(item, field)]));
  }
  return adaptValue(value, field);
}

function adaptValue(value: JsonValue, field: DescField): JsonValue {
  if (field.message) return adaptMessage(value, field.message);
  if (field.enum && typeof value === 'string') return value.toUpperCase().replaceAll('-', '_');
  if (field.scalar === ScalarType.FLOAT && typeof value === 'number' && Number.isFinite(Math.fround(value))) {
    return Math.fround(value);
  }
  return value;
}

function isObject(value: JsonValue): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
