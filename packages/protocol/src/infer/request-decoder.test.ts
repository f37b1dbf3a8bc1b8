import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeBytesElements } from '../bytes-elements.ts';
import { decode, decodeSliced, failureOf, oneInput } from '../test-support/decode.ts';
import { typedView } from '../typed-view.ts';

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  UINT16: [0, 65535],
  INT16: [-32768, 32767],
  UINT32: [0, 4294967295],
  INT32: [-2147483648, 2147483647],
};

function values(text: string, sliceBytes?: number): unknown[] {
  const [input] = (sliceBytes === undefined ? decode(text) : decodeSliced(text, sliceBytes)).inputs;
  return Array.from(typedView(input!) as Iterable<unknown>);
}

/** A list as text, with one separator everywhere and nested as it comes. */
function listText(items: readonly string[], separator: string, split: number): string {
  if (split === 0 || split >= items.length) return `[${items.join(separator)}]`;
  return `[[${items.slice(0, split).join(separator)}]${separator}[${items.slice(split).join(separator)}]]`;
}

const separators = fc.constantFrom(',', ', ', ' ,\n', ',  ');

for (const [dataType, [min, max]] of Object.entries(RANGES)) {
  test(`${dataType} arrays of any form read as they were written`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 60 }),
        separators,
        fc.nat(20),
        fc.integer({ min: 1, max: 30 }),
        (numbers, separator, split, sliceBytes) => {
          const text = oneInput(dataType, [numbers.length], listText(numbers.map(String), separator, split));
          assert.deepEqual(values(text), numbers);
          assert.deepEqual(values(text, sliceBytes), numbers);
        },
      ),
    );
  });
}

test('UINT8 is read by loops of its own, with the outcome of the others', () => {
  const token = fc.oneof(
    { weight: 40, arbitrary: fc.integer({ min: 0, max: 255 }).map(String) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '01',
        '-1',
        '1.0',
        '1e1',
        '',
        ' 7',
        '7 ',
        '256',
        '1000',
        'x',
        '"1"',
        '+1',
        '1:',
        '/',
        '[1]',
      ),
    },
  );
  fc.assert(
    fc.property(fc.array(token, { minLength: 33, maxLength: 120 }), separators, (tokens, separator) => {
      const outcome = (dataType: string) => {
        const text = oneInput(dataType, [tokens.length], `[${tokens.join(separator)}]`);
        const failure = failureOf(() => decode(text)).replace(/ at \d+$/, '');
        return failure === 'no failure' ? values(text).map((value) => Number(value) & 0xff) : failure;
      };
      assert.deepEqual(outcome('UINT8'), outcome('UINT16'));
    }),
    { numRuns: 500 },
  );
});

test('64-bit integers are exact', () => {
  for (const [dataType, min, max] of [
    ['INT64', -(2n ** 63n), 2n ** 63n - 1n],
    ['UINT64', 0n, 2n ** 64n - 1n],
  ] as const) {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: min < 0n ? -999n : 0n, max: 999n })), {
          minLength: 1,
        }),
        separators,
        (numbers, separator) => {
          const text = oneInput(dataType, [numbers.length], listText(numbers.map(String), separator, 0));
          assert.deepEqual(values(text), numbers);
        },
      ),
    );
  }
});

test('floats are rounded correctly, whatever their form', () => {
  const form = fc.constantFrom(
    (value: number) => String(value),
    (value: number) => value.toExponential(),
    (value: number) => (Math.abs(value) < 1e21 ? value.toFixed(12) : String(value)),
    (value: number) => value.toPrecision(21),
  );
  for (const dataType of ['FP32', 'FP64'] as const) {
    const anyNumber = dataType === 'FP32' ? fc.float({ noNaN: true }) : fc.double({ noNaN: true });
    const finite = fc.oneof(
      anyNumber.filter(Number.isFinite),
      fc.integer().map((value) => value / 1000),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(finite, form), { minLength: 1, maxLength: 20 }),
        separators,
        (numbers, separator) => {
          const texts = numbers.map(([value, print]) => print(value));
          const expected = texts.map((text) => {
            // RapidJSON reads "-0" as the integer 0.
            const value = text === '-0' ? 0 : Number(text);
            return dataType === 'FP32' ? Math.fround(value) : value;
          });
          assert.deepEqual(values(oneInput(dataType, [texts.length], listText(texts, separator, 0))), expected);
        },
      ),
      { numRuns: 500 },
    );
  }
});

test('FP32 and FP64 take integers, NaN and Infinity', () => {
  assert.deepEqual(values(oneInput('FP32', [6], '[1,-0,-0.0,NaN,-Infinity,18446744073709551615]')), [
    1,
    0,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    2 ** 64,
  ]);
  assert.deepEqual(values(oneInput('FP32', [2], '[1e39,1e-60]')), [Number.POSITIVE_INFINITY, 0]);
  assert.equal(
    failureOf(() => decode(oneInput('FP64', [1], '[1e309]'))),
    'INTERNAL: failed to parse the request JSON buffer: Number too big to be stored in double. at 62',
  );
});

test('integers wrap below 64 bits', () => {
  assert.deepEqual(values(oneInput('INT8', [3], '[128,-129,4294967297]')), [-128, 127, 1]);
  assert.deepEqual(values(oneInput('UINT8', [3], '[256,1000,18446744073709551615]')), [0, 232, 255]);
  assert.deepEqual(values(oneInput('INT32', [2], '[4294967295,9223372036854775807]')), [-1, -1]);
});

test('BYTES elements keep their characters', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 20 }),
      (texts, sliceBytes) => {
        const text = oneInput('BYTES', [texts.length], JSON.stringify(texts));
        assert.deepEqual(decode(text).inputs[0]!.data, encodeBytesElements(texts));
        assert.deepEqual(decodeSliced(text, sliceBytes).inputs[0]!.data, encodeBytesElements(texts));
      },
    ),
  );
  const escaped = decode(oneInput('BYTES', [2], '["\\u0000a\\ud83d\\ude00","\\uDE00"]')).inputs[0]!.data;
  assert.deepEqual(escaped, encodeBytesElements(['\0a😀', Uint8Array.of(0xed, 0xb8, 0x80)]));
});

test('members may come in any order', () => {
  const inOrder = decode('{"inputs":[{"name":"A","shape":[2],"datatype":"INT16","data":[1,-2]}]}');
  const data = '{"inputs":[{"data":[[1],[-2]],"shape":[2],"datatype":"INT16","name":"A"}]}';
  assert.deepEqual(decode(data).inputs, inOrder.inputs);
  assert.deepEqual(decodeSliced(data, 3).inputs, inOrder.inputs);
});

test('everything a request may carry is found', () => {
  const request = decode(
    `{"id":"r1","parameters":{"sequence_id":7,"sequence_start":true,"sequence_end":false,"priority":2,"timeout":1000,
      "binary_data_output":true,"text":"x","count":3,"ratio":1.5,"flag":false},
      "inputs":[{"name":"A","shape":[1],"datatype":"BOOL","data":[true],"parameters":{"foo":1}}],
      "outputs":[{"name":"X","parameters":{"binary_data":true}},{"name":"Y","parameters":{"classification":3}},{"name":"Z"}]}`,
  );
  assert.equal(request.id, 'r1');
  assert.equal(request.correlationId, 7n);
  assert.deepEqual([request.sequenceStart, request.sequenceEnd], [true, false]);
  assert.deepEqual([request.priority, request.timeoutMicros, request.binaryOutputs], [2, 1000, true]);
  assert.deepEqual(
    [...request.parameters],
    [
      ['text', 'x'],
      ['count', 3n],
      ['ratio', 1.5],
      ['flag', false],
    ],
  );
  assert.deepEqual(request.outputs, [
    { name: 'X', binary: true, classCount: 0 },
    { name: 'Y', binary: false, classCount: 3 },
    { name: 'Z', binary: false, classCount: 0 },
  ]);
  assert.deepEqual(request.inputs, [{ name: 'A', dataType: 'BOOL', shape: [1], data: Uint8Array.of(1) }]);
});

test('binary inputs are views into the body, in their order', () => {
  const binary = Uint8Array.of(1, 0, 0, 0, 9, 8);
  const request = decode(
    `{"inputs":[{"name":"A","shape":[1],"datatype":"INT32","parameters":{"binary_data_size":4}},
      {"name":"B","shape":[1],"datatype":"UINT8","data":[5]},
      {"name":"C","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}}]}`,
    binary,
  );
  assert.deepEqual(
    request.inputs.map(({ data }) => [...data]),
    [[1, 0, 0, 0], [5], [9, 8]],
  );
  assert.equal(request.inputs[0]!.data.buffer, request.inputs[2]!.data.buffer);
});
