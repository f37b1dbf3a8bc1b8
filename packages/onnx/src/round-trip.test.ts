import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Attribute,
  type ConstantTensor,
  type Dimension,
  ELEMENT_TYPES,
  type ElementType,
  encodeModel,
  type Graph,
  type Model,
  type Node,
  OnnxError,
  rawByteLength,
  readModel,
  type ValueInfo,
  type ValueType,
  writeModel,
} from './index.ts';

const name = fc.stringMatching(/^[a-z/:_.0-9]{1,8}$/);
const bytes = fc.uint8Array({ maxLength: 20 });
const elementType = fc.constantFrom<ElementType>(...ELEMENT_TYPES);
const dimension: fc.Arbitrary<Dimension> = fc.oneof(fc.nat(), name, fc.constant(undefined));

const constant: fc.Arbitrary<ConstantTensor> = fc
  .tuple(name, elementType, fc.array(fc.nat(3), { maxLength: 3 }), fc.uint8Array({ minLength: 512, maxLength: 512 }))
  .map(([tensorName, type, dims, random]): ConstantTensor => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    if (type === 'string') {
      const values = Array.from({ length: count }, (_, index) => random.slice(index, index * 2));
      return { name: tensorName, elementType: type, dims, content: { kind: 'strings', values } };
    }
    const raw = random.slice(0, rawByteLength(type, count));
    return { name: tensorName, elementType: type, dims, content: { kind: 'raw', bytes: raw } };
  });
const external: fc.Arbitrary<ConstantTensor> = fc.tuple(name, name, fc.nat()).map(([tensorName, location, offset]) => ({
  name: tensorName,
  elementType: 'float' as const,
  dims: [2],
  content: {
    kind: 'external' as const,
    entries: new Map([
      ['location', location],
      ['offset', String(offset)],
    ]),
  },
}));

const valueType: fc.Arbitrary<ValueType> = fc.letrec<{ type: ValueType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constantFrom('tensor' as const, 'sparse-tensor' as const),
      elementType,
      shape: fc.oneof(fc.array(dimension, { maxLength: 4 }), fc.constant(undefined)),
    }),
    fc.record({ kind: fc.constantFrom('sequence' as const, 'optional' as const), element: tie('type') }),
    fc.record({ kind: fc.constant('map' as const), key: elementType, value: tie('type') }),
  ),
})).type;
const valueInfo: fc.Arbitrary<ValueInfo> = fc.record({ name, type: fc.oneof(valueType, fc.constant(undefined)) });
const sparse = fc.record({ values: constant, indices: constant, dims: fc.array(fc.nat(), { maxLength: 3 }) });
const float = fc.float({ noNaN: true });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const { graph, node } = fc.letrec<{ graph: Graph; node: Node; attribute: Attribute }>((tie) => ({
  attribute: fc.oneof(
    { maxDepth: 2 },
    fc.record({ kind: fc.constant('float' as const), value: float }),
    fc.record({ kind: fc.constant('int' as const), value: int64 }),
    fc.record({ kind: fc.constant('string' as const), value: bytes }),
    fc.record({ kind: fc.constant('tensor' as const), value: constant }),
    fc.record({ kind: fc.constant('sparse-tensor' as const), value: sparse }),
    fc.record({ kind: fc.constant('type' as const), value: valueType }),
    fc.record({ kind: fc.constant('floats' as const), value: fc.array(float) }),
    fc.record({ kind: fc.constant('ints' as const), value: fc.array(int64) }),
    fc.record({ kind: fc.constant('strings' as const), value: fc.array(bytes) }),
    fc.record({ kind: fc.constant('tensors' as const), value: fc.array(constant, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant('sparse-tensors' as const), value: fc.array(sparse, { maxLength: 2 }) }),
    fc.record({ kind: fc.constant('types' as const), value: fc.array(valueType, { maxLength: 2 }) }),
    fc.record({
      kind: fc.constant('reference' as const),
      name,
      type: fc.constantFrom('graph' as const, 'ints' as const),
    }),
    fc.record({ kind: fc.constant('graph' as const), value: tie('graph') }),
    fc.record({ kind: fc.constant('graphs' as const), value: fc.array(tie('graph'), { maxLength: 2 }) }),
  ),
  node: fc.record({
    name,
    opType: name,
    domain: fc.constantFrom('', 'ai.onnx.ml'),
    inputs: fc.array(fc.oneof(name, fc.constant('')), { maxLength: 3 }),
    outputs: fc.array(name, { maxLength: 2 }),
    attributes: fc.array(fc.tuple(name, tie('attribute')), { maxLength: 3 }).map((entries) => new Map(entries)),
  }),
  graph: fc.record({
    name,
    nodes: fc.array(tie('node'), { maxLength: 3 }),
    initializers: fc.array(fc.oneof(constant, external), { maxLength: 2 }),
    sparseInitializers: fc.array(sparse, { maxLength: 1 }),
    inputs: fc.array(valueInfo, { maxLength: 2 }),
    outputs: fc.array(valueInfo, { maxLength: 2 }),
    valueInfos: fc.array(valueInfo, { maxLength: 2 }),
  }),
}));

const opsets = fc.dictionary(name, fc.nat()).map((record) => new Map(Object.entries(record)));
const model: fc.Arbitrary<Model> = fc.record({
  irVersion: fc.nat(),
  producerName: name,
  producerVersion: name,
  opsetImports: opsets,
  graph,
  functions: fc.array(
    fc.record({
      name,
      domain: name,
      inputs: fc.array(name, { maxLength: 2 }),
      outputs: fc.array(name, { maxLength: 2 }),
      attributeNames: fc.array(name, { maxLength: 2 }),
      attributeDefaults: fc.constant(new Map<string, Attribute>([['axis', { kind: 'int', value: -1n }]])),
      nodes: fc.array(node, { maxLength: 2 }),
      opsetImports: opsets,
    }),
    { maxLength: 1 },
  ),
  metadata: fc.dictionary(name, fc.string()).map((record) => new Map(Object.entries(record))),
});

/** Buffers as plain arrays, so that a view of a file equals the array it was written from. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

test('a model with every kind of field reads back as it was written', () => {
  fc.assert(
    fc.property(model, (original) => {
      const encoded = writeModel(original);
      const read = readModel(encoded);
      assert.deepEqual(plain(read), plain(original));
      assert.deepEqual(writeModel(read), encoded);
    }),
    { numRuns: 300 },
  );
});

test('a damaged model is read or refused with OnnxError, nothing else', () => {
  fc.assert(
    fc.property(model, fc.nat(), fc.nat(255), fc.nat(), (original, position, byte, cut) => {
      const encoded = writeModel(original);
      encoded[position % encoded.length] = byte;
      try {
        readModel(encoded.subarray(0, encoded.length - (cut % 3)));
      } catch (error) {
        assert.ok(error instanceof OnnxError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('weights are neither copied by the writer nor by the reader', () => {
  const weights = new Uint8Array(1 << 20);
  const large: Model = {
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    opsetImports: new Map([['', 18]]),
    graph: {
      name: 'g',
      nodes: [],
      initializers: [{ name: 'w', elementType: 'float', dims: [1 << 18], content: { kind: 'raw', bytes: weights } }],
      sparseInitializers: [],
      inputs: [],
      outputs: [],
      valueInfos: [],
    },
    functions: [],
    metadata: new Map(),
  };
  assert.ok(encodeModel(large).includes(weights));
  const file = writeModel(large);
  const content = readModel(file).graph.initializers[0]?.content;
  assert.ok(content?.kind === 'raw');
  assert.equal(content.bytes.buffer, file.buffer);
});
