import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatenate, WIRE_FIXED32, WIRE_VARINT, WireError, WireReader, WireWriter } from './index.ts';

function written(write: (writer: WireWriter) => void): WireReader {
  const writer = new WireWriter();
  write(writer);
  const bytes = concatenate(writer.chunks());
  const reader = new WireReader(bytes);
  return reader;
}

test('64-bit integers survive, in every form', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const reader = written((writer) => writer.int64(3, value));
      assert.ok(reader.tag());
      assert.equal(reader.field, 3);
      assert.equal(reader.int64Big(), value);
    }),
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const reader = written((writer) => writer.int64(3, value));
      reader.tag();
      assert.equal(reader.int64(), value);
      assert.equal(reader.tag(), false);
    }),
  );
});

test('an integer that a number cannot hold is an error, not another integer', () => {
  const reader = written((writer) => writer.int64(1, 2n ** 62n));
  reader.tag();
  assert.throws(() => reader.int64(), {
    name: 'WireError',
    message: 'integer 4611686018427387904 out of range at byte 1',
  });
});

test('strings, bytes, floats and nested messages survive', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.uint8Array({ maxLength: 9000 }),
      fc.float(),
      fc.double(),
      (text, bytes, float, double) => {
        const reader = written((writer) => {
          writer.message(1, (nested) => {
            nested.string(1, text);
            nested.message(2, (deeper) => deeper.bytes(1, bytes));
          });
          writer.float(2, float);
          writer.double(3, double);
        });
        reader.tag();
        const nested = reader.message();
        nested.tag();
        assert.equal(nested.string(), new TextDecoder().decode(new TextEncoder().encode(text)));
        nested.tag();
        const deeper = nested.message();
        deeper.tag();
        assert.deepEqual(new Uint8Array(deeper.bytes()), bytes);
        reader.tag();
        assert.equal(reader.float(), float);
        reader.tag();
        assert.equal(reader.double(), double);
        assert.equal(reader.tag(), false);
      },
    ),
  );
});

test('large byte strings are referenced, not copied, at any depth', () => {
  const weights = new Uint8Array(1 << 16);
  const writer = new WireWriter();
  writer.message(7, (graph) => graph.message(5, (tensor) => tensor.bytes(9, weights)));
  assert.ok(writer.chunks().includes(weights));
});

test('what is read from a Buffer is a plain array, which slice copies', () => {
  const reader = new WireReader(Buffer.from([0x0a, 0x02, 7, 8]));
  reader.tag();
  const bytes = reader.bytes();
  assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
  assert.deepEqual([...new Uint8Array(bytes.slice().buffer)], [7, 8]);
});

test('a repeated scalar is read packed and unpacked', () => {
  for (const write of [
    (writer: WireWriter) => writer.packedInt64(4, [1, -2, 3]),
    (writer: WireWriter) => {
      for (const value of [1, -2, 3]) writer.int64(4, value);
    },
  ]) {
    const reader = written(write);
    const values: number[] = [];
    while (reader.tag()) reader.repeated(WIRE_VARINT, (source) => values.push(source.int64()));
    assert.deepEqual(values, [1, -2, 3]);
  }
  const floats: number[] = [];
  const reader = written((writer) => writer.packedFloat(4, [0.5, -1]));
  while (reader.tag()) reader.repeated(WIRE_FIXED32, (source) => floats.push(source.float()));
  assert.deepEqual(floats, [0.5, -1]);
});

test('lying lengths, truncation and endless varints are typed errors with a position', () => {
  const cases: [string, number[], RegExp][] = [
    ['length beyond the end', [0x0a, 0x05, 0x01], /length 5 exceeds the 1 bytes left at byte 1/],
    ['length of 2^35', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], /exceeds/],
    ['truncated varint', [0x08, 0x80], /truncated varint at byte 1/],
    ['endless varint', [0x08, ...new Array(12).fill(0x80), 0], /longer than 10 bytes/],
    ['truncated fixed64', [0x09, 1, 2], /truncated fixed64/],
    ['field number 0', [0x00, 0x00], /field number 0 at byte 0/],
    ['wire type 7', [0x0f], /unknown wire type 7/],
    ['end of group alone', [0x0c], /did not start/],
    ['group without end', [0x0b, 0x08, 0x01], /unterminated group/],
    ['deep groups', new Array(10_000).fill(0x0b), /nested deeper than 100/],
  ];
  for (const [name, bytes, expected] of cases) {
    const reader = new WireReader(Uint8Array.from(bytes));
    assert.throws(
      () => {
        while (reader.tag()) reader.skip();
      },
      (error) => error instanceof WireError && expected.test(error.message),
      name,
    );
  }
});

test('any bytes either skip to the end or fail with WireError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const reader = new WireReader(bytes);
      try {
        while (reader.tag()) reader.skip();
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
  );
});
