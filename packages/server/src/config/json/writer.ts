import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';
import type { Fields } from '../text/message-fields.ts';
import { printDouble, printFloat } from './numbers.ts';

/** 64-bit fields that Triton's JSON keeps as strings, as protobuf prints them; every other one it turns into a number. */
const STRING_FIELDS: ReadonlySet<string> = new Set([
  'inference.ModelOptimizationPolicy.Cuda.GraphSpec.Shape.dim',
  'inference.ModelInstanceGroup.SecondaryDevice.device_id',
  'inference.ModelSequenceBatching.InitialState.dims',
]);

/**
 * A configuration as `GET /v2/models/<m>/config` answers it: proto field names in the order of the schema, every scalar and list printed,
 * messages only where they are set, enums by name, maps as objects.
 */
export function modelConfigToJson(config: ModelConfig): string {
  return printMessage(config as unknown as Fields, ModelConfigSchema);
}

function printMessage(message: Fields, desc: DescMessage): string {
  const members: string[] = [];
  // Protobuf's writer knows of a scalar in a oneof only when it meets its value, after everything else.
  const late: string[] = [];
  for (const field of desc.fields) {
    const value = printField(message, field);
    if (value === undefined) continue;
    const list = field.oneof && !field.message ? late : members;
    list.push(`"${field.name}":${value}`);
  }
  return `{${[...members, ...late].join(',')}}`;
}

function printField(message: Fields, field: DescField): string | undefined {
  if (field.oneof) {
    const choice = message[field.oneof.localName] as { case?: string; value?: unknown };
    return choice.case === field.localName ? printValue(choice.value, field) : undefined;
  }
  const value = message[field.localName];
  if (field.fieldKind === 'list') return `[${(value as unknown[]).map((item) => printValue(item, field)).join(',')}]`;
  if (field.fieldKind === 'map') {
    const entries = Object.entries(value as Record<string, unknown>);
    return `{${entries.map(([key, item]) => `${quote(key)}:${printValue(item, field)}`).join(',')}}`;
  }
  return value === undefined ? undefined : printValue(value, field);
}

function printValue(value: unknown, field: DescField): string {
  if (field.message) return printMessage(value as Fields, field.message);
  if (field.enum) {
    const name = field.enum.value[value as number]?.name;
    return name === undefined ? String(value) : quote(name);
  }
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'bigint':
      return STRING_FIELDS.has(`${field.parent?.typeName}.${field.name}`) ? `"${value}"` : String(value);
    case 'number':
      return field.scalar === ScalarType.FLOAT ? printFloat(value) : printDouble(value);
    default:
      return String(value);
  }
}

/** Escapes what must be escaped and nothing else, hexadecimal digits in capitals. */
function quote(text: string): string {
  return `"${text.replace(/["\\\p{Cc}]/gu, escapeCharacter)}"`;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }),
);

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= 0x7f) return character;
  return SHORT_ESCAPES.get(character) ?? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
