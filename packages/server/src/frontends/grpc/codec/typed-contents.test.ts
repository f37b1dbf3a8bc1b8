import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtoError, ProtoReader } from './proto-reader.ts';
import { TextTable } from './text-table.ts';
import { type ContentsField, TypedContents } from './typed-contents.ts';

const INT = 2;
const FLOAT = 6;
const STRING = 8;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function delimited(field: number, contents: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(contents.length)]), contents]);
}

/** Contents of `count` elements of a field, the message's length in front; packed or one by one. */
function message(field: number, element: (index: number) => number[], count: number, packed = false): Buffer {
  const tag = field === STRING ? (field << 3) | 2 : field === FLOAT ? (field << 3) | 5 : field << 3;
  const bytes = Array.from({ length: count }, (_, index) => {
    const value = element(index);
    if (packed) return value;
    return field === STRING ? [tag, ...varint(value.length), ...value] : [tag, ...value];
  }).flat();
  const contents = packed ? delimited(field, Buffer.from(bytes)) : Buffer.from(bytes);
  return Buffer.concat([Buffer.from(varint(contents.length)), contents]);
}

function reader(bytes: Buffer): ProtoReader {
  return new ProtoReader(bytes, new TextTable());
}

/** Reads contents in steps; answers them and how many steps there were. */
function inSteps(bytes: Buffer, field: ContentsField, elementBytes: number): { data: Uint8Array; steps: number } {
  const contents = new TypedContents();
  contents.read(reader(bytes));
  let steps = 0;
  if (contents.isLong) for (const _step of contents.prepare(elementBytes, 2 ** 31)) steps++;
  return { data: contents.toBytes(field, elementBytes), steps };
}

test('many elements are read in bounded steps, packed or not', () => {
  const count = 100_000;
  for (const packed of [false, true]) {
    const ints = inSteps(
      message(INT, (index) => varint(index % 1000), count, packed),
      'int_contents',
      4,
    );
    assert.ok(ints.steps >= count / 4096, `${ints.steps} steps`);
    const expected = Int32Array.from({ length: count }, (_, index) => index % 1000);
    assert.equal(Buffer.compare(ints.data, new Uint8Array(expected.buffer)), 0);
  }
  const floats = inSteps(
    message(FLOAT, (index) => [index & 255, 1, 2, 3], count),
    'fp32_contents',
    4,
  );
  assert.ok(floats.steps >= (2 * count) / 4096 - 2);
  assert.equal(floats.data[4 * 77], 77);
  const strings = inSteps(
    message(STRING, (index) => new Array<number>(index % 5).fill(65), count),
    'bytes_contents',
    0,
  );
  assert.ok(strings.steps >= (2 * count) / 4096 - 2);
  assert.deepEqual([...strings.data.subarray(0, 15)], [0, 0, 0, 0, 1, 0, 0, 0, 65, 2, 0, 0, 0, 65, 65]);
});

test('contents read in steps and at once are the same', () => {
  const element = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 20 }), (elements) => {
      const repeat = (times: number) => message(STRING, (index) => elements[index % elements.length]!, times);
      const few = inSteps(repeat(elements.length), 'bytes_contents', 0);
      assert.equal(few.steps, 0);
      const times = elements.length * 2000;
      const many = inSteps(repeat(times), 'bytes_contents', 0);
      for (let copy = 0; copy < 3; copy++) {
        const part = many.data.subarray(copy * few.data.length, (copy + 1) * few.data.length);
        assert.equal(Buffer.compare(part, few.data), 0);
      }
      assert.equal(many.data.length, 2000 * few.data.length);
    }),
    { numRuns: 10 },
  );
});

test('damage in long contents is found', () => {
  const whole = message(INT, () => [1], 100_000);
  whole[whole.length - 1] = 255;
  assert.throws(() => inSteps(whole, 'int_contents', 4), ProtoError);
  const packed = message(INT, () => [255], 100_000, true);
  assert.throws(() => inSteps(packed, 'int_contents', 4), ProtoError);
});
