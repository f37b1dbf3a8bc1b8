import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatenate, WireWriter } from '@nereid/onnx/wire';
import { ImportError } from '../shared/index.ts';
import { decodeGraphDef } from './decode.ts';

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

test('a shape of a thousand dimensions is refused', () => {
  const file = tensorFile((t) => {
    t.uint32(1, 1);
    dims(t, new Array(1000).fill(1));
  });
  assert.throws(() => decodeGraphDef(file), { message: "node 'c' (Const): a shape has more than 254 dimensions" });
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
