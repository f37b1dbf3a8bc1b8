import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type InferParameter as GeneratedParameter,
  type InferTensorContents,
  ModelInferRequestSchema,
} from '@nereid/protocol/grpc-service';
import fc from 'fast-check';
import { decodeInferRequest, type InferParameter, type InferParameters } from './infer-request.ts';
import { ProtoError } from './proto-reader.ts';
import { TextTable } from './text-table.ts';
import type { ContentsField } from './typed-contents.ts';

const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = fc.bigInt(0n, 2n ** 64n - 1n);
const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 20 }));
const bytes = fc.uint8Array({ maxLength: 300 });

const parameter = fc.record({
  parameterChoice: fc.oneof(
    fc.record({ case: fc.constant('boolParam' as const), value: fc.boolean() }),
    fc.record({ case: fc.constant('int64Param' as const), value: int64 }),
    fc.record({ case: fc.constant('stringParam' as const), value: text }),
    fc.record({ case: fc.constant('doubleParam' as const), value: fc.double({ noNaN: true }) }),
    fc.record({ case: fc.constant('uint64Param' as const), value: uint64 }),
    fc.constant({ case: undefined }),
  ),
});
const parameters = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  parameter,
  { maxKeys: 4 },
);
const contents = fc.record({
  boolContents: fc.array(fc.boolean()),
  intContents: fc.array(fc.integer()),
  int64Contents: fc.array(int64),
  uintContents: fc.array(fc.nat(2 ** 32 - 1)),
  uint64Contents: fc.array(uint64),
  fp32Contents: fc.array(fc.float({ noNaN: true })),
  fp64Contents: fc.array(fc.double({ noNaN: true })),
  bytesContents: fc.array(bytes),
});
const request = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  parameters,
  inputs: fc.array(
    fc.record({
      name: text,
      datatype: text,
      shape: fc.array(fc.bigInt(-(2n ** 53n), 2n ** 53n)),
      parameters,
      contents: fc.option(contents, { nil: undefined }),
    }),
    { maxLength: 4 },
  ),
  outputs: fc.array(fc.record({ name: text, parameters }), { maxLength: 4 }),
  rawInputContents: fc.array(bytes, { maxLength: 4 }),
});

function encode(message: MessageInitShape<typeof ModelInferRequestSchema>): Buffer {
  return Buffer.from(toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, message)));
}

function decode(message: Buffer) {
  return decodeInferRequest(message, new TextTable());
}

function plainParameters(map: InferParameters): Record<string, InferParameter> {
  return Object.fromEntries(map);
}

function expectedParameters(map: { readonly [name: string]: GeneratedParameter }): Record<string, InferParameter> {
  const kinds = {
    boolParam: 'bool',
    int64Param: 'int64',
    stringParam: 'string',
    doubleParam: 'double',
    uint64Param: 'uint64',
  };
  return Object.fromEntries(
    Object.entries(map).map(([name, { parameterChoice: choice }]) => [
      name,
      (choice.case === undefined
        ? { kind: 'none' }
        : { kind: kinds[choice.case], value: choice.value }) as InferParameter,
    ]),
  );
}

const FIELD_BYTES: readonly (readonly [
  ContentsField,
  keyof InferTensorContents,
  number,
  (values: never) => ArrayBufferView,
])[] = [
  ['bool_contents', 'boolContents', 1, (values: boolean[]) => Uint8Array.from(values, Number)],
  ['int_contents', 'intContents', 4, (values: number[]) => Int32Array.from(values)],
  ['int_contents', 'intContents', 2, (values: number[]) => Int16Array.from(values)],
  ['int_contents', 'intContents', 1, (values: number[]) => Int8Array.from(values)],
  ['int64_contents', 'int64Contents', 8, (values: bigint[]) => BigInt64Array.from(values)],
  ['uint_contents', 'uintContents', 4, (values: number[]) => Uint32Array.from(values)],
  ['uint_contents', 'uintContents', 1, (values: number[]) => Uint8Array.from(values)],
  ['uint64_contents', 'uint64Contents', 8, (values: bigint[]) => BigUint64Array.from(values)],
  ['fp32_contents', 'fp32Contents', 4, (values: number[]) => Float32Array.from(values)],
  ['fp64_contents', 'fp64Contents', 8, (values: number[]) => Float64Array.from(values)],
  ['bytes_contents', 'bytesContents', 0, (values: Uint8Array[]) => Buffer.concat(values.flatMap(withLength))],
];

function withLength(value: Uint8Array): Uint8Array[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return [length, value];
}

test('what the generated code writes is read as it was', () => {
  fc.assert(
    fc.property(request, (message) => {
      const generated = create(ModelInferRequestSchema, message as MessageInitShape<typeof ModelInferRequestSchema>);
      const wire = Buffer.from(toBinary(ModelInferRequestSchema, generated));
      const decoded = decode(wire);
      assert.equal(decoded.modelName, generated.modelName);
      assert.equal(decoded.modelVersion, generated.modelVersion);
      assert.equal(decoded.id, generated.id);
      assert.deepEqual(plainParameters(decoded.parameters), expectedParameters(generated.parameters));
      assert.deepEqual(
        decoded.rawContents.map((raw) => [...raw]),
        generated.rawInputContents.map((raw) => [...raw]),
      );
      assert.equal(decoded.outputs.length, generated.outputs.length);
      for (const [index, output] of decoded.outputs.entries()) {
        assert.equal(output.name, generated.outputs[index]!.name);
        assert.deepEqual(plainParameters(output.parameters), expectedParameters(generated.outputs[index]!.parameters));
      }
      assert.equal(decoded.inputs.length, generated.inputs.length);
      for (const [index, input] of decoded.inputs.entries()) {
        const expected = generated.inputs[index]!;
        assert.equal(input.name, expected.name);
        assert.equal(input.dataType, expected.datatype);
        assert.deepEqual(input.shape, expected.shape.map(Number));
        assert.deepEqual(plainParameters(input.parameters), expectedParameters(expected.parameters));
        assert.equal(input.contents === undefined, expected.contents === undefined);
        for (const [field, key, elementBytes, toArray] of expected.contents === undefined ? [] : FIELD_BYTES) {
          const array = toArray(expected.contents![key] as never);
          assert.deepEqual(
            Buffer.from(input.contents!.toBytes(field, elementBytes)),
            Buffer.from(array.buffer, array.byteOffset, array.byteLength),
          );
          assert.equal(input.contents!.byteLength(field, elementBytes), array.byteLength);
        }
      }
    }),
  );
});

test('raw contents are views of the message', () => {
  const wire = encode({ modelName: 'm', rawInputContents: [new Uint8Array(1000)] });
  assert.equal(decode(wire).rawContents[0]!.buffer, wire.buffer);
});

/** A field as it stands on the wire, its number below 16. */
function field(number: number, wireType: number, ...contents: readonly number[]): number[] {
  return [(number << 3) | wireType, ...contents];
}

function nested(number: number, ...contents: readonly number[]): number[] {
  return field(number, 2, contents.length, ...contents);
}

test('typed elements may come packed, one by one, in several pieces, and mixed', () => {
  const inputOf = (...parts: readonly number[][]) => Buffer.from(nested(5, ...parts.flat()));
  const packed = nested(2, 1, 2);
  const single = field(2, 0, 3);
  const wire = inputOf(nested(5, ...packed, ...single), nested(5, ...field(2, 0, 4)));
  const { contents } = decode(wire).inputs[0]!;
  assert.deepEqual([...contents!.given()], [{ field: 'int_contents', count: 4 }]);
  assert.deepEqual([...contents!.toBytes('int_contents', 1)], [1, 2, 3, 4]);
  const floats = nested(6, 0, 0, 128, 63);
  const twice = decode(inputOf(nested(5, ...floats, ...field(6, 5, 0, 0, 0, 64)))).inputs[0]!.contents!;
  assert.deepEqual(new Float32Array(twice.toBytes('fp32_contents', 4).slice().buffer), Float32Array.of(1, 2));
});

test('dimensions may come one by one', () => {
  const wire = Buffer.from(nested(5, ...field(3, 0, 7), ...nested(3, 8, 9), ...field(3, 0, 10)));
  assert.deepEqual(decode(wire).inputs[0]!.shape, [7, 8, 9, 10]);
});

test('of two values for one field, and two entries for one key, the last holds', () => {
  const entry = (value: number) => nested(4, ...nested(1, 97), ...nested(2, ...field(2, 0, value)));
  const wire = Buffer.from([...nested(1, 97), ...nested(1, 98), ...entry(1), ...entry(2)]);
  const decoded = decode(wire);
  assert.equal(decoded.modelName, 'b');
  assert.deepEqual(plainParameters(decoded.parameters), { a: { kind: 'int64', value: 2n } });
});

test('unknown fields, also a great many, and known ones of another type are passed over', () => {
  const unknown = [
    ...field(15, 0, 1),
    ...field(15, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    ...field(15, 5, 0, 0, 0, 0),
    ...field(15, 3, ...field(1, 0, 5), 124),
    ...field(1, 0, 9),
  ];
  const wire = Buffer.from([...nested(1, 109), ...unknown, ...nested(3, 105)]);
  assert.deepEqual([decode(wire).modelName, decode(wire).id], ['m', 'i']);
  const flood = Buffer.concat([Buffer.alloc(2_000_000, Buffer.from(field(15, 0, 1))), Buffer.from(nested(1, 109))]);
  assert.equal(decode(flood).modelName, 'm');
});

test('what is not protobuf is refused with the text of the C++ library', () => {
  const cases: Readonly<Record<string, readonly number[]>> = {
    'field number 0': [0, 1],
    'varint cut off': [8, 255],
    'varint of eleven bytes': [120, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1],
    'length beyond the end': [10, 5, 97],
    'length of 2^40': [10, 128, 128, 128, 128, 128, 64],
    'wire type 7': [15],
    'end of a group that did not begin': [124],
    'end of another group': [...field(15, 3), (14 << 3) | 4],
    'group without end': field(15, 3),
    'groups in groups': new Array(5000).fill((15 << 3) | 3),
    'text that is not UTF-8': nested(1, 0xc3, 0x28),
    'packed floats cut off': nested(5, ...nested(5, ...nested(6, 1, 2, 3))),
  };
  for (const [name, message] of Object.entries(cases)) {
    assert.throws(
      () => decode(Buffer.from(message)),
      (error) =>
        error instanceof ProtoError && error.code === 'INTERNAL' && error.message === 'Unable to parse request',
      name,
    );
  }
});

test('any bytes are read or refused, nothing else', () => {
  const mutated = fc.tuple(request, fc.nat(), fc.nat(255)).map(([message, position, byte]) => {
    const wire = encode(message as MessageInitShape<typeof ModelInferRequestSchema>);
    if (wire.length > 0) wire[position % wire.length] = byte;
    return wire;
  });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array().map((random) => Buffer.from(random)),
      ),
      (wire) => {
        try {
          for (const { contents } of decode(wire).inputs) {
            for (const { field } of contents?.given() ?? []) contents!.toBytes(field, field.includes('64') ? 8 : 4);
          }
        } catch (error) {
          assert.ok(error instanceof ProtoError, String(error));
        }
      },
    ),
  );
});

test('more tensors, parameters or dimensions than any model has are refused before they take memory', () => {
  const refusal = (message: RegExp) => (error: unknown) => error instanceof Error && message.test(error.message);
  assert.throws(
    () => decode(Buffer.alloc(40_000, Buffer.from(nested(6)))),
    refusal(/more than 10000 requested outputs/),
  );
  assert.throws(() => decode(Buffer.alloc(40_000, Buffer.from(nested(5)))), refusal(/more than 10000 inputs/));
  assert.throws(
    () => decode(Buffer.alloc(40_000, Buffer.from(nested(7)))),
    refusal(/more than 10000 raw input contents/),
  );
  assert.throws(() => decode(Buffer.alloc(40_000, Buffer.from(nested(4)))), refusal(/more than 10000 parameters/));
  const shape = encode({ inputs: [{ shape: new Array(1_000_001).fill(1n) }] });
  assert.throws(() => decode(shape), refusal(/more than 1000000 dimensions/));
});
