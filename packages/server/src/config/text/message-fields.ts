import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';

/** A message as the parser fills it: by local field name. */
export type Fields = Record<string, unknown>;

interface OneofValue {
  readonly case: string | undefined;
  readonly value?: unknown;
}

export function newMessage(desc: DescMessage): Fields {
  return create(desc) as Message as unknown as Fields;
}

/** libprotobuf's HasField: a number, string, bool or enum without presence counts as set when it is not the default. */
export function isSet(fields: Fields, field: DescField): boolean {
  if (field.oneof) return (fields[field.oneof.localName] as OneofValue).case === field.localName;
  const value = fields[field.localName];
  if (field.fieldKind === 'message') return value !== undefined;
  if (field.fieldKind === 'scalar' || field.fieldKind === 'enum') {
    return value !== 0 && value !== 0n && value !== '' && value !== false && !Object.is(value, undefined);
  }
  return false;
}

/** The member of the field's oneof that is set, undefined when none is or the field is in no oneof. */
export function setOneofMember(fields: Fields, field: DescField): DescField | undefined {
  if (!field.oneof) return undefined;
  const current = (fields[field.oneof.localName] as OneofValue).case;
  return field.oneof.fields.find((member) => member.localName === current);
}

/** Sets a singular field or appends to a list. */
export function putValue(fields: Fields, field: DescField, value: unknown): void {
  if (field.fieldKind === 'list') (fields[field.localName] as unknown[]).push(value);
  else if (field.oneof) fields[field.oneof.localName] = { case: field.localName, value };
  else fields[field.localName] = value;
}

/** Adds a map entry; the last one of a key wins. `__proto__` becomes an ordinary key. */
export function putMapEntry(fields: Fields, field: DescField, key: string, value: unknown): void {
  const options = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(fields[field.localName], key, options);
}

/** What a field of this scalar type holds when a map entry leaves it out. */
export function scalarDefault(type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return '';
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 0n;
    default:
      return 0;
  }
}
