import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatenate, WireWriter } from '@nereid/onnx/wire';
import fc from 'fast-check';
import { ImportError } from '../shared/index.ts';
import { DATA_TYPES, type DataType, dataTypeByteSize } from './data-type.ts';
import { decodeGraphDef } from './decode.ts';
import { encodeGraphDef, encodeGraphDefChunks } from './encode.ts';
import type { AttrValue, GraphDef, NodeDef, Shape, TensorConstant } from './graph-def.ts';

const name = fc.stringMatching(/^[a-zA-Z0-9_/]{1,8}$/);
const bytes = fc.uint8Array({ maxLength: 12 });
const type = fc.constantFrom<DataType>(...DATA_TYPES.filter((each) => dataTypeByteSize(each) > 0));
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 4 }),
  fc.constant(undefined),
);
const constant: fc.Arbitrary<TensorConstant> = fc
  .tuple(
    type,
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    fc.uint8Array({ minLength: 512, maxLength: 512 }),
  )
  .map(([dataType, dims, random]) => {
    const count = dims.reduce((product, size) => product * size, 1);
    return { dataType, dims, content: { kind: 'raw', bytes: random.slice(0, count * dataTypeByteSize(dataType)) } };
  });
const strings: fc.Arbitrary<TensorConstant> = fc
  .array(bytes, { minLength: 1, maxLength: 3 })
  .map((values) => ({ dataType: 'DT_STRING', dims: [values.length], content: { kind: 'strings', values } }));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const float = fc.float({ noNaN: true });
const attribute: fc.Arbitrary<AttrValue> = fc.oneof(
  fc.record({ kind: fc.constant('string' as const), value: bytes }),
  fc.record({ kind: fc.constant('int' as const), value: int64 }),
  fc.record({ kind: fc.constant('float' as const), value: float }),
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('type' as const), value: type }),
  fc.record({ kind: fc.constant('shape' as const), value: shape }),
  fc.record({ kind: fc.constant('tensor' as const), value: fc.oneof(constant, strings) }),
  fc.record({ kind: fc.constant('function' as const), value: name }),
  fc.record({
    kind: fc.constant('list' as const),
    value: fc.record({
      strings: fc.array(bytes, { maxLength: 2 }),
      ints: fc.array(int64, { maxLength: 3 }),
      floats: fc.array(float, { maxLength: 3 }),
      bools: fc.array(fc.boolean(), { maxLength: 3 }),
      types: fc.array(type, { maxLength: 3 }),
      shapes: fc.array(shape, { maxLength: 2 }),
    }),
  }),
);
const node: fc.Arbitrary<NodeDef> = fc.record({
  name,
  op: name,
  inputs: fc.array(name, { maxLength: 3 }),
  device: fc.oneof(fc.constant(''), name),
  attributes: fc.array(fc.tuple(name, attribute), { maxLength: 3 }).map((entries) => new Map(entries)),
});
const graphDef: fc.Arbitrary<GraphDef> = fc.record({
  nodes: fc.array(node, { maxLength: 4 }),
  functionNames: fc.constant([]),
  producerVersion: fc.nat(2000),
  minConsumerVersion: fc.nat(20),
});

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

test('a graph with every kind of attribute reads back as it was written', () => {
  fc.assert(
    fc.property(graphDef, (original) => {
      assert.deepEqual(plain(decodeGraphDef(encodeGraphDef(original))), plain(original));
    }),
    { numRuns: 300 },
  );
});

test('a damaged graph is read or refused with ImportError, nothing else', () => {
  fc.assert(
    fc.property(graphDef, fc.nat(), fc.nat(255), (original, position, byte) => {
      const encoded = encodeGraphDef(original);
      encoded[position % encoded.length] = byte;
      try {
        decodeGraphDef(encoded);
      } catch (error) {
        assert.ok(error instanceof ImportError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('weights are neither copied by the writer nor by the reader', () => {
  const weights = new Uint8Array(1 << 16);
  const graph: GraphDef = {
    nodes: [
      {
        name: 'w',
        op: 'Const',
        inputs: [],
        device: '',
        attributes: new Map([
          [
            'value',
            {
              kind: 'tensor',
              value: { dataType: 'DT_FLOAT', dims: [1 << 14], content: { kind: 'raw', bytes: weights } },
            },
          ],
        ]),
      },
    ],
    functionNames: [],
    producerVersion: 1,
    minConsumerVersion: 0,
  };
  assert.ok(encodeGraphDefChunks(graph).includes(weights));
  const file = encodeGraphDef(graph);
  const value = decodeGraphDef(file).nodes[0]?.attributes.get('value');
  assert.ok(value?.kind === 'tensor' && value.value.content.kind === 'raw');
  assert.equal(value.value.content.bytes.buffer, file.buffer);
});

test('what is no graph is refused', () => {
  for (const text of ['PK\u0003\u0004 archive', '<!DOCTYPE html><html></html>', '{"node": []}']) {
    assert.throws(() => decodeGraphDef(Buffer.from(text)), {
      name: 'ImportError',
      code: 'malformed',
      message: /at byte \d+$/,
    });
  }
  assert.throws(() => decodeGraphDef(new Uint8Array(9), { maxBytes: 8 }), {
    code: 'limit',
    message: '9 bytes exceed the limit of 8',
  });
  const nodes = new Uint8Array(2000).map((_, index) => (index % 2 === 0 ? 0x0a : 0));
  assert.throws(() => decodeGraphDef(nodes, { maxObjects: 999 }), { code: 'limit' });
});

test('names of library functions are kept', () => {
  const writer = new WireWriter();
  writer.message(2, (library) =>
    library.message(1, (definition) =>
      definition.message(1, (signature) => signature.string(1, '__inference_call_12')),
    ),
  );
  assert.deepEqual(decodeGraphDef(concatenate(writer.chunks())).functionNames, ['__inference_call_12']);
});
