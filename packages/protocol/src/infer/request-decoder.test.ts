import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeBytesElements } from '../bytes-elements.ts';
import type { DataType } from '../data-type.ts';
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

test("errors come with Triton's code and text", () => {
  const input = (members: string) => `{"inputs":[{${members}}]}`;
  const errors: readonly (readonly [string, string])[] = [
    ['null', "INTERNAL: Unable to parse 'inputs': attempt to access non-existing object member 'inputs'"],
    ['{"inputs":{}}', "INTERNAL: Unable to parse 'inputs': attempt to access JSON non-array as array"],
    ['{"id":null,"inputs":[]}', "INTERNAL: Unable to parse 'id': attempt to access JSON non-string as string"],
    ['{"parameters":5,"inputs":[]}', 'INTERNAL: failed to get request params.: attempt to get members for non-object'],
    [
      '{"parameters":{"priority":-1},"inputs":[]}',
      "INTERNAL: Unable to parse 'priority': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      '{"parameters":{"sequence_id":1.5},"inputs":[]}',
      "INTERNAL: Unable to parse 'sequence_id': attempt to access JSON non-string as string",
    ],
    [
      '{"parameters":{"foo":[1]},"inputs":[]}',
      "INVALID_ARG: parameter 'foo' has invalid type. It should be either 'int', 'bool', or 'string'.",
    ],
    [
      '{"parameters":{"triton_x":1},"inputs":[]}',
      "INVALID_ARG: parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
    ],
    [
      `{"parameters":{"sequence_id":"${'x'.repeat(129)}"},"inputs":[]}`,
      'UNSUPPORTED: string correlation ID cannot be longer than 128 characters',
    ],
    [
      '{"inputs":[1]}',
      "INVALID_ARG: Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But no field is set",
    ],
    [
      input('"data":[1],"parameters":{"binary_data_size":4}'),
      "INVALID_ARG: Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But set 'data' 'binary_data_size'",
    ],
    [input('"data":[1]'), "INTERNAL: Unable to parse 'name': attempt to access non-existing object member 'name'"],
    [
      input('"data":[1],"name":"A","datatype":"INT32","shape":["1"]'),
      "INTERNAL: Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      input('"data":[1],"name":"A","datatype":"INT32","shape":[-1]'),
      "INTERNAL: Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [
      input('"data":{},"name":"A","datatype":"INT32","shape":[1]'),
      "INTERNAL: Unable to parse 'data': attempt to access JSON non-array as array",
    ],
    [
      input('"data":[1],"name":"A","datatype":"FP16","shape":[1]'),
      'INVALID_ARG: receiving FP16 data via JSON is not supported. Please use the binary data format for input A',
    ],
    [input('"data":[1],"name":"A","datatype":"FOO","shape":[1]'), 'INVALID_ARG: invalid datatype for input A'],
    [oneInput('INT32', [2], '[1]'), "INTERNAL: Failed to parse 'data' field: shape does not match true shape"],
    [
      oneInput('INT32', [1], '[1,2]'),
      "INTERNAL: Unable to parse 'data': Shape does not match true shape of 'data' field",
    ],
    [
      oneInput('INT32', [1], '[1.0]'),
      "INTERNAL: Unable to parse 'data': attempt to access JSON non-signed-integer as signed-integer",
    ],
    [
      oneInput('UINT8', [1], '[-1]'),
      "INTERNAL: Unable to parse 'data': attempt to access JSON non-unsigned-integer as unsigned-integer",
    ],
    [oneInput('FP32', [1], '["1"]'), "INTERNAL: Unable to parse 'data': attempt to access JSON non-number as double"],
    [oneInput('BOOL', [1], '[1]'), "INTERNAL: Unable to parse 'data': attempt to access JSON non-boolean as boolean"],
    [
      oneInput('BYTES', [1], '[1]'),
      'INTERNAL: Unable to parse JSON bytes array: attempt to access JSON non-string as string',
    ],
    [
      oneInput('INT32', [1], '[1,[{"a":null}]'),
      "INTERNAL: failed to parse the request JSON buffer: Missing a comma or ']' after an array element. at 77",
    ],
    [
      '{"inputs":[{"name":"A","shape":[1],"datatype":"INT8","data":[1]},{"name":"A","shape":[1],"datatype":"INT8","data":["x"]}]}',
      "INVALID_ARG: [request id: <id_unknown>] input 'A' already exists in request",
    ],
    [
      '{"inputs":[],"outputs":[{}]}',
      "INTERNAL: Unable to parse 'name': attempt to access non-existing object member 'name'",
    ],
    [
      '{"id":"q","inputs":[],"outputs":[{"name":"O"},{"name":"O"}]}',
      "INVALID_ARG: [request id: q] output 'O' already exists in request",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"shared_memory_region":"r","classification":1}}]}',
      "INVALID_ARG: Output can't set both 'shared_memory_region' and 'classification'",
    ],
    [
      '{"inputs":[],"outputs":[{"name":"O","parameters":{"shared_memory_region":"r"}}]}',
      "NOT_FOUND: Unable to find shared memory region: 'r'",
    ],
  ];
  for (const [text, message] of errors) {
    assert.equal(
      failureOf(() => decode(text)),
      message,
      text,
    );
    assert.equal(
      failureOf(() => decodeSliced(text, 5)),
      message,
      `sliced: ${text}`,
    );
  }
});

test('a syntax error anywhere comes before what is wrong with the values', () => {
  const text = oneInput('INT32', [1], '["x"]').replace(/}$/, '');
  assert.match(
    failureOf(() => decode(text)),
    /^INTERNAL: failed to parse the request JSON buffer: Missing a comma/,
  );
});

test('hostile shapes and sizes are refused before memory is set aside', () => {
  const error = (shape: string, dataType: DataType = 'INT32') =>
    failureOf(() => decode(`{"inputs":[{"name":"A","shape":[${shape}],"datatype":"${dataType}","data":[1]}]}`));
  assert.equal(
    error('4294967296,4294967296'),
    "INVALID_ARG: invalid shape for input 'A': shape [4294967296,4294967296] causes total element count to exceed maximum size of 9223372036854775807",
  );
  assert.equal(
    error('9223372036854775807'),
    "INVALID_ARG: byte size overflow for input 'A': element count (9223372036854775807) * data type size (4) exceeds maximum allowed size (9223372036854775807)",
  );
  assert.equal(
    error('18446744073709551615'),
    "INVALID_ARG: JSON input 'A' has a byte_size (18446744073709551612 bytes) that exceeds the maximum allowed value of 67108864 bytes. Use --http-max-input-size to increase the limit.",
  );
  assert.equal(
    error('9223372036854775809'),
    "INVALID_ARG: invalid shape for input 'A': shape [-9223372036854775807] contains one or more invalid dimensions",
  );
  assert.match(error('2147483648'), /^INVALID_ARG: JSON input 'A' has a byte_size \(8589934592 bytes\)/);
  assert.equal(error('16777216'), "INTERNAL: Failed to parse 'data' field: shape does not match true shape");
  for (const dim of ['1e308', 'NaN', '-0.0', '1.0', 'null']) {
    assert.match(error(dim), /^INTERNAL: Unable to parse 'shape'/, dim);
  }
  assert.match(error(new Array(10_000).fill(2).join()), /causes total element count to exceed/);
});

test('limits hold for the JSON, for each tensor in it and for strings', () => {
  const text = oneInput('INT32', [300], JSON.stringify(new Array(300).fill(1)));
  const limited = (json: string, maxBytes = 1024) => failureOf(() => decode(json, new Uint8Array(0), maxBytes));
  assert.equal(
    limited(text),
    "INVALID_ARG: JSON input 'IN' has a byte_size (1200 bytes) that exceeds the maximum allowed value of 1024 bytes. Use --http-max-input-size to increase the limit.",
  );
  assert.match(limited(oneInput('BYTES', [200], JSON.stringify(new Array(200).fill('ab'))), 1100), /\(1200 bytes\)/);
  assert.equal(
    limited(`{"inputs":[]}${' '.repeat(1100)}`),
    'INVALID_ARG: request JSON size of 1113 bytes exceeds the maximum allowed input size of 1024 bytes. Use --http-max-input-size to increase the limit.',
  );
});

test('binary sizes that lie are refused', () => {
  const text = (size: string) =>
    `{"inputs":[{"name":"A","shape":[1],"datatype":"INT32","parameters":{"binary_data_size":${size}}}]}`;
  const error = (size: string, bytes: number) => failureOf(() => decode(text(size), new Uint8Array(bytes)));
  assert.equal(error('4', 3), "INVALID_ARG: unexpected size for input 'A', expecting 1 additional bytes for model 'm'");
  assert.equal(error('4', 5), "INVALID_ARG: unexpected additional input data for model 'm'");
  assert.match(error('-4', 4), /^INTERNAL: Unable to parse 'binary_data_size'/);
  assert.match(error('18446744073709551615', 4), /^INVALID_ARG: unexpected size for input 'A'/);
});

test('nesting of data ends at a hundred', () => {
  const nested = (depth: number, element: string) => '['.repeat(depth) + element + ']'.repeat(depth);
  assert.deepEqual(values(oneInput('INT32', [1], nested(99, '7'))), [7]);
  const message = 'JSON nesting depth exceeds maximum allowed limit (100)';
  assert.equal(
    failureOf(() => decode(oneInput('INT32', [1], nested(100, '7')))),
    `INVALID_ARG: Unable to parse 'data': ${message}`,
  );
  assert.equal(
    failureOf(() => decode(oneInput('BYTES', [1], nested(100_000, '"x"')))),
    `INVALID_ARG: ${message}`,
  );
});

test('many inputs, outputs, keys and parameters are handled or refused', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `{"name":"O${index}"}`).join();
  assert.equal(decode(`{"inputs":[],"outputs":[${many}]}`).outputs.length, 100_000);
  const keys = Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join();
  assert.match(
    failureOf(() => decodeSliced(`{${keys}}`, 65536)),
    /more than 500000 values/,
  );
  const parameters = Array.from({ length: 20_000 }, (_, index) => `"p${index}":1`).join();
  assert.match(
    failureOf(() => decode(`{"parameters":{${parameters}},"inputs":[]}`)),
    /request has 20000 parameters/,
  );
});

test('whatever a request says, only StatusErrors come out', () => {
  const member = fc.constantFrom(
    '"data"',
    '"shape"',
    '"datatype"',
    '"name"',
    '"parameters"',
    '"inputs"',
    '"outputs"',
    '"id"',
    '"__proto__"',
  );
  const scalar = fc.constantFrom(
    '1',
    '-1',
    '1.5',
    '1e9',
    '"A"',
    '"INT32"',
    '"FP32"',
    '"BYTES"',
    'true',
    'null',
    'NaN',
    '[1]',
    '[]',
    '[[1],2]',
    '18446744073709551615',
  );
  const object = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join()}]`),
      fc
        .array(fc.tuple(member, tie('value')), { maxLength: 5 })
        .map((pairs) => `{${pairs.map((pair) => pair.join(':')).join()}}`),
    ),
  })).value;
  fc.assert(
    fc.property(object, object, fc.integer({ min: 1, max: 50 }), (first, second, sliceBytes) => {
      const text = `{"inputs":[{"name":"A","shape":[1],"datatype":"INT32","data":${first}}],"outputs":${second}}`;
      assert.equal(
        failureOf(() => decodeSliced(text, sliceBytes)),
        failureOf(() => decode(text)),
      );
      failureOf(() => decode(first));
    }),
    { numRuns: 1500 },
  );
});
