import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { type ModelConfig as ModelConfigMessage, ModelConfigSchema } from '@nereid/protocol/model-config';
import type { ModelConfig } from '../api/index.ts';

type Fields = Readonly<Record<string, unknown>>;

/** 64-bit fields that stay texts in Triton's JSON. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  'inference.ModelOptimizationPolicy.Cuda.GraphSpec.Shape.dim',
  'inference.ModelInstanceGroup.SecondaryDevice.device_id',
  'inference.ModelSequenceBatching.InitialState.dims',
]);

/**
 * A configuration as Triton's JSON shows it, and so as the HTTP client gives it: proto field names, every scalar and list present, messages
 * only where they are set, enums by name, 64-bit integers as numbers (bigints beyond 2^53).
 */
export function configToJson(config: ModelConfigMessage): ModelConfig {
  return messageToJson(config as unknown as Fields, ModelConfigSchema) as ModelConfig;
}

function messageToJson(message: Fields, desc: DescMessage): Record<string, unknown> {
  const members = desc.fields.map((field): [string, unknown] => [field.name, fieldToJson(message, field)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function fieldToJson(message: Fields, field: DescField): unknown {
  if (field.oneof !== undefined) {
    const chosen = message[field.oneof.localName] as { readonly case?: string; readonly value?: unknown };
    return chosen.case === field.localName ? valueToJson(chosen.value, field) : undefined;
  }
  const value = message[field.localName];
  if (value === undefined) return undefined;
  if (field.fieldKind === 'list') return (value as readonly unknown[]).map((item) => valueToJson(item, field));
  if (field.fieldKind === 'map') {
    const entries = Object.entries(value as Fields);
    return Object.fromEntries(entries.map(([key, item]) => [key, valueToJson(item, field)]));
  }
  return valueToJson(value, field);
}

function valueToJson(value: unknown, field: DescField): unknown {
  if (field.message !== undefined) return messageToJson(value as Fields, field.message);
  if (field.enum !== undefined) return field.enum.value[value as number]?.name ?? value;
  if (typeof value !== 'bigint') return value;
  if (TEXT_FIELDS.has(`${field.parent.typeName}.${field.name}`)) return String(value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
