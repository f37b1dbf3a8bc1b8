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

/** A file with one Const whose TensorProto is `write`'s. */
function tensorFile(write: (tensor: WireWriter) => void): Uint8Array {
  const writer = new WireWriter();
  writer.message(1, (nodeWriter) => {
    nodeWriter.string(1, 'c');
    nodeWriter.string(2, 'Const');
    nodeWriter.message(5, (entry) => {
      entry.string(1, 'value');
      entry.message(2, (value) => value.message(8, write));
    });
  });
  return concatenate(writer.chunks());
}

function dims(tensor: WireWriter, sizes: readonly number[]): void {
  tensor.message(2, (nested) => {
    for (const size of sizes) nested.message(2, (dim) => dim.int64(1, size));
  });
}

function readHex(file: Uint8Array): string {
  const value = decodeGraphDef(file).nodes[0]?.attributes.get('value');
  assert.ok(value?.kind === 'tensor');
  const { content } = value.value;
  if (content.kind === 'raw') return Buffer.from(content.bytes).toString('hex');
  return content.values.map((each) => Buffer.from(each).toString()).join('|');
}

test('values shorter than the shape repeat the last one, none at all are zeros', () => {
  const cases: [string, (tensor: WireWriter) => void, string][] = [
    [
      'one float for six',
      (t) => {
        t.uint32(1, 1);
        dims(t, [2, 3]);
        t.packedFloat(5, [1]);
      },
      '0000803f'.repeat(6),
    ],
    [
      'two floats for five',
      (t) => {
        t.uint32(1, 1);
        dims(t, [5]);
        t.packedFloat(5, [1, 2]);
      },
      `0000803f${'00000040'.repeat(4)}`,
    ],
    [
      'no float for two',
      (t) => {
        t.uint32(1, 1);
        dims(t, [2]);
      },
      '0000000000000000',
    ],
    [
      'unpacked floats',
      (t) => {
        t.uint32(1, 1);
        dims(t, [2]);
        t.float(5, 1);
        t.float(5, 2);
      },
      '0000803f00000040',
    ],
    [
      'a half, by its bits',
      (t) => {
        t.uint32(1, 19);
        dims(t, [2]);
        t.packedInt64(13, [0x3c00]);
      },
      '003c003c',
    ],
    [
      'a bfloat16, by its bits',
      (t) => {
        t.uint32(1, 14);
        dims(t, []);
        t.packedInt64(13, [0x3f80]);
      },
      '803f',
    ],
    [
      'int32',
      (t) => {
        t.uint32(1, 3);
        dims(t, [2]);
        t.packedInt64(7, [-1]);
      },
      'ffffffffffffffff',
    ],
    [
      'uint8 in int_val',
      (t) => {
        t.uint32(1, 4);
        dims(t, [3]);
        t.packedInt64(7, [200, 1]);
      },
      'c80101',
    ],
    [
      'int64',
      (t) => {
        t.uint32(1, 9);
        dims(t, [2]);
        t.packedInt64(10, [2n ** 40n]);
      },
      '00000000000100000000000000010000',
    ],
    [
      'bool',
      (t) => {
        t.uint32(1, 10);
        dims(t, [3]);
        t.packedInt64(11, [1]);
      },
      '010101',
    ],
    [
      'double',
      (t) => {
        t.uint32(1, 2);
        dims(t, []);
        t.double(6, 1);
      },
      '000000000000f03f',
    ],
    [
      'strings',
      (t) => {
        t.uint32(1, 7);
        dims(t, [3]);
        t.string(8, 'a');
        t.string(8, 'b');
      },
      'a|b|b',
    ],
    [
      'an empty tensor',
      (t) => {
        t.uint32(1, 1);
        dims(t, [0, 5]);
      },
      '',
    ],
  ];
  for (const [what, write, expected] of cases) assert.equal(readHex(tensorFile(write)), expected, what);
});

test('lies about sizes are refused before memory is taken, naming the node', () => {
  const cases: [string, (tensor: WireWriter) => void, string, RegExp][] = [
    [
      '10 TB of one value',
      (t) => {
        t.uint32(1, 1);
        dims(t, [10 ** 12, 10]);
        t.packedFloat(5, [0]);
      },
      'limit',
      /constants need more than 1073741824 bytes/,
    ],
    [
      '10^15 strings',
      (t) => {
        t.uint32(1, 7);
        dims(t, [10 ** 15]);
        t.string(8, 'a');
      },
      'limit',
      /constants need more than/,
    ],
    [
      '2^80 elements',
      (t) => {
        t.uint32(1, 1);
        dims(t, [2 ** 40, 2 ** 40]);
      },
      'malformed',
      /too many elements/,
    ],
    [
      'short content',
      (t) => {
        t.uint32(1, 1);
        dims(t, [2]);
        t.bytes(4, new Uint8Array(4));
      },
      'malformed',
      /a tensor DT_FLOAT \[2\] has 4 bytes, expected 8/,
    ],
    [
      'long values',
      (t) => {
        t.uint32(1, 1);
        dims(t, [1]);
        t.packedFloat(5, [1, 2]);
      },
      'malformed',
      /has 8 bytes, expected 4/,
    ],
    [
      'unknown dimension',
      (t) => {
        t.uint32(1, 1);
        dims(t, [-1]);
      },
      'malformed',
      /has the shape \[-1\]/,
    ],
    [
      'negative dimension',
      (t) => {
        t.uint32(1, 1);
        dims(t, [-2]);
      },
      'malformed',
      /has the dimension -2/,
    ],
    [
      'unknown type',
      (t) => {
        t.uint32(1, 77);
        dims(t, []);
      },
      'malformed',
      /unknown data type 77/,
    ],
  ];
  for (const [what, write, code, message] of cases) {
    const file = tensorFile(write);
    assert.throws(
      () => decodeGraphDef(file),
      (error) => {
        assert.ok(error instanceof ImportError, what);
        assert.equal(error.code, code, what);
        assert.match(error.message, message, what);
        assert.match(error.message, /^node 'c' \(Const\): /, what);
        return true;
      },
    );
  }
});

test('the limit on constants that grow holds for the whole file', () => {
  const writer = new WireWriter();
  for (let index = 0; index < 4; index++) {
    const one = tensorFile((t) => {
      t.uint32(1, 1);
      dims(t, [256]);
      t.packedFloat(5, [0]);
    });
    writer.bytes(1, one.subarray(2));
  }
  const file = concatenate(writer.chunks());
  assert.equal(decodeGraphDef(file, { maxExpandedBytes: 4096 }).nodes.length, 4);
  assert.throws(() => decodeGraphDef(file, { maxExpandedBytes: 4095 }), { code: 'limit' });
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
