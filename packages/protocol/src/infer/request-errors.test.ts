import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DataType } from '../data-type.ts';
import { createDecoder, decode, decodeSliced, failureOf, oneInput } from '../test-support/decode.ts';
import { typedView } from '../typed-view.ts';

function values(text: string): unknown[] {
  return Array.from(typedView(decode(text).inputs[0]!) as Iterable<unknown>);
}

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
  const many = (count: number) => Array.from({ length: count }, (_, index) => `{"name":"O${index}"}`).join();
  assert.equal(decode(`{"inputs":[],"outputs":[${many(40_000)}]}`).outputs.length, 40_000);
  assert.match(
    failureOf(() => decodeSliced(`{"inputs":[],"outputs":[${many(100_000)}]}`, 65536)),
    /more than 100000 values/,
  );
  const keys = Array.from({ length: 1_000_000 }, (_, index) => `"k${index}":1`).join();
  assert.match(
    failureOf(() => decodeSliced(`{${keys}}`, 65536)),
    /more than 100000 values/,
  );
  const parameters = Array.from({ length: 20_000 }, (_, index) => `"p${index}":1`).join();
  assert.match(
    failureOf(() => decode(`{"parameters":{${parameters}},"inputs":[]}`)),
    /request has 20000 parameters/,
  );
});

test('what nobody looks at is checked and not kept', () => {
  const values = Array.from({ length: 600_000 }, (_, index) => `{"a":[${index}]}`).join();
  const input = `{"name":"I","shape":[1],"datatype":"FP32","data":[1],"x":[${values}],"parameters":{"y":{"z":[1]}}}`;
  const request = decodeSliced(`{"x":[${values}],"inputs":[${input}],"outputs":[{"name":"O","z":[${values}]}]}`, 65536);
  assert.deepEqual(
    [request.inputs.map(({ name, shape }) => [name, shape]), request.outputs.map(({ name }) => name)],
    [[['I', [1]]], ['O']],
  );
  assert.match(
    failureOf(() => decode('{"inputs":[],"x":[[1,]]}')),
    /failed to parse the request JSON buffer/,
  );
  assert.match(
    failureOf(() => decode('{"inputs":[],"parameters":{"p":[1,{"q":2}]}}')),
    /parameter 'p' has invalid type/,
  );
});

test('ids, names and parameters have a length, whatever they are made of', () => {
  const message = 'INVALID_ARG: request JSON has a string of more than 1048576 characters outside tensor data';
  for (const text of ['a'.repeat(1_048_577), '\\u0041'.repeat(1_048_577)]) {
    assert.equal(
      failureOf(() => decodeSliced(`{"id":"${text}","inputs":[]}`, 65536)),
      message,
    );
  }
  assert.equal(
    failureOf(() => decode(`{"${'k'.repeat(2_000_000)}":1,"inputs":[]}`)),
    message,
  );
  assert.equal(decode(`{"id":"${'a'.repeat(1_048_576)}","inputs":[]}`).id.length, 1_048_576);
});

test('nothing in a text is read in one piece', () => {
  const escapes = '\\n'.repeat(50_000);
  const blanks = ' '.repeat(100_000);
  const texts = [
    `{"id":"${escapes}","inputs":[]}`,
    `{"ignored":{"${escapes}":1},"inputs":[]}`,
    `{"inputs":[{"name":"IN","shape":[1],"datatype":"BYTES","data":["${escapes}"]}]}`,
    `{"inputs":[{"data":["${escapes}"],"datatype":"BYTES","shape":[1],"name":"IN"}]}`,
    `${blanks}{"inputs":[]}`,
    `{"inputs":[]${blanks}}`,
    `{${blanks}"inputs":[]}${blanks}`,
  ];
  for (const text of texts) {
    const bytes = new TextEncoder().encode(text);
    const decoding = createDecoder().begin({ bytes, jsonLength: bytes.length, modelName: 'm' });
    let slices = 1;
    while (!decoding.run(1000)) slices++;
    assert.ok(slices >= 100, `${text.slice(0, 30)}… in ${slices} slices`);
  }
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

test('a name given twice is found among many', () => {
  const names = Array.from({ length: 40 }, (_, index) => `T${index}`);
  const request = (repeated: string) => {
    const outputs = [...names, repeated].map((name) => ({ name }));
    return JSON.stringify({ id: 'q', inputs: [], outputs });
  };
  for (const name of ['T0', 'T15', 'T16', 'T39']) {
    const expected = `INVALID_ARG: [request id: q] output '${name}' already exists in request`;
    assert.equal(
      failureOf(() => decode(request(name))),
      expected,
    );
  }
  assert.equal(decode(request('another')).outputs.length, 41);
});
