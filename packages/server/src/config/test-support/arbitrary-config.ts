import type { DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { create, ScalarType } from '@bufbuild/protobuf';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';
import fc from 'fast-check';

const MAX_DEPTH = 6;
const TEXT = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('INPUT0', 'a b', '"\\\'\n\t', '', '__proto__'),
);

/** Any ModelConfig that the schema allows, valid or not. */
export function arbitraryConfig(): fc.Arbitrary<ModelConfig> {
  return message(ModelConfigSchema, 0) as fc.Arbitrary<ModelConfig>;
}

function message(desc: DescMessage, depth: number): fc.Arbitrary<MessageShape<DescMessage>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of desc.fields) {
    if (field.oneof || (field.message && depth >= MAX_DEPTH)) continue;
    members[field.localName] = fc.option(value(field, depth), { nil: undefined, freq: 2 });
  }
  for (const oneof of desc.oneofs) {
    const choices = oneof.fields.map((field) =>
      value(field, depth).map((chosen) => ({ case: field.localName, value: chosen })),
    );
    members[oneof.localName] = fc.oneof(fc.constant({ case: undefined }), ...choices);
  }
  return fc.record(members).map((found) => create(desc, withoutUndefined(found)));
}

function withoutUndefined(found: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(found).filter(([, member]) => member !== undefined));
}

function value(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'list') return fc.array(single(field, depth), { maxLength: 3 });
  if (field.fieldKind !== 'map') return single(field, depth);
  const key = field.mapKey === ScalarType.STRING ? TEXT : fc.bigInt({ min: 0n, max: 20n }).map(String);
  return fc.dictionary(key, single(field, depth), { maxKeys: 3, noNullPrototype: true });
}

function single(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message) return message(field.message, depth + 1);
  if (field.enum) return fc.constantFrom(...field.enum.values.map((candidate) => candidate.number));
  switch (field.scalar) {
    case ScalarType.STRING:
      return TEXT;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT64:
      return fc.oneof(fc.bigInt({ min: -1n, max: 20n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    case ScalarType.UINT64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.UINT32:
      return fc.nat();
    default:
      return fc.oneof(fc.integer({ min: -1, max: 20 }), fc.integer());
  }
}
