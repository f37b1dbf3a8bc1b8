import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBytesElements } from '../bytes-elements.ts';
import { ByteWriter } from '../json/index.ts';
import type { Tensor } from '../tensor.ts';
import { failureOf } from '../test-support/decode.ts';
import { InferResponseEncoding, type OutputForm, type WireInferResponse } from './response-encoder.ts';

function encode(
  response: Partial<WireInferResponse>,
  form: (name: string) => OutputForm = () => 'json',
  sliceBytes = Number.POSITIVE_INFINITY,
): { json: string; binaryParts: readonly Uint8Array[] } {
  const writer = new ByteWriter(1);
  const complete = { id: '', modelName: 'm', modelVersion: 1, parameters: new Map(), outputs: [], ...response };
  const encoding = new InferResponseEncoding(complete, form, writer);
  while (!encoding.run(sliceBytes));
  return { json: Buffer.from(writer.view()).toString('latin1'), binaryParts: encoding.binaryParts };
}

function tensor(name: string, dataType: Tensor['dataType'], shape: readonly number[], values: ArrayBufferView): Tensor {
  return { name, dataType, shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

test("members stand in Triton's order, empty ones are left out", () => {
  assert.equal(encode({}).json, '{"model_name":"m","model_version":"1","outputs":[]}');
  const parameters = new Map<string, string | number | bigint | boolean>([
    ['s', 'x"'],
    ['i', 3n],
    ['z', 0],
    ['d', 1.5],
    ['b', false],
  ]);
  assert.equal(
    encode({ id: 'r', parameters, outputs: [tensor('O', 'INT32', [1, 2], Int32Array.of(-1, 2147483647))] }).json,
    '{"id":"r","model_name":"m","model_version":"1","parameters":{"s":"x\\"","i":3,"z":0,"d":1.5,"b":false},"outputs":[{"name":"O","datatype":"INT32","shape":[1,2],"data":[-1,2147483647]}]}',
  );
});

test('parameters of ensembles repeat', () => {
  const { json } = encode({
    parameters: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    parameterRepeats: 2,
  });
  assert.equal(json, '{"model_name":"m","model_version":"1","parameters":{"a":1,"b":2,"a":1,"b":2},"outputs":[]}');
});

test('every data type has its JSON form', () => {
  const data = (tensorOf: Tensor) => /"data":\[(.*)\]\}\]\}$/.exec(encode({ outputs: [tensorOf] }).json)?.[1];
  assert.equal(data(tensor('O', 'BOOL', [3], Uint8Array.of(0, 1, 2))), 'false,true,true');
  assert.equal(data(tensor('O', 'UINT8', [2], Uint8Array.of(0, 255))), '0,255');
  assert.equal(data(tensor('O', 'INT64', [2], BigInt64Array.of(-(2n ** 63n), 7n))), '-9223372036854775808,7');
  assert.equal(data(tensor('O', 'UINT64', [1], BigUint64Array.of(2n ** 64n - 1n))), '18446744073709551615');
  assert.equal(data(tensor('O', 'FP32', [3], Float32Array.of(1, 0.5, Number.NaN))), '1.0,0.5,NaN');
  assert.equal(data(tensor('O', 'FP64', [2], Float64Array.of(0.1, Number.NEGATIVE_INFINITY))), '0.1,-Infinity');
  const strings = encodeBytesElements(['a', '', '\n\u001f', Uint8Array.of(0xff, 0xfe)]);
  assert.equal(
    data(tensor('O', 'BYTES', [4], strings)),
    '"a","","\\n\\u001F","\u00ff\u00fe"',
    'other bytes go as they are',
  );
});

test('binary outputs stand behind the JSON, empty ones do not', () => {
  const outputs = [
    tensor('A', 'INT32', [1], Int32Array.of(5)),
    tensor('B', 'FP32', [0], new Float32Array(0)),
    tensor('C', 'FP16', [1], Uint16Array.of(1)),
  ];
  const { json, binaryParts } = encode({ outputs }, () => 'binary');
  assert.match(json, /"name":"A".*"parameters":\{"binary_data_size":4\}.*"binary_data_size":0.*"binary_data_size":2/);
  assert.deepEqual(binaryParts, [outputs[0]!.data, outputs[2]!.data]);
});

test('slices make no difference', () => {
  const outputs = [
    tensor(
      'A',
      'FP32',
      [50],
      Float32Array.from({ length: 50 }, (_, index) => index / 3),
    ),
    tensor('B', 'BYTES', [5], encodeBytesElements(['x', '\n'.repeat(40_000), 'a'.repeat(16_385), '', 'zzz'])),
    tensor('C', 'INT64', [0], new BigInt64Array(0)),
  ];
  const { json } = encode({ outputs });
  assert.equal(encode({ outputs }, () => 'json', 7).json, json);
  const strings = (JSON.parse(json) as { outputs: { data: string[] }[] }).outputs[1]!.data;
  assert.deepEqual(
    strings.map((text) => text.length),
    [1, 40_000, 16_385, 0, 3],
  );
});

test('contents that do not fit their shape are an error of the model', () => {
  assert.equal(
    failureOf(() => encode({ outputs: [tensor('O', 'FP16', [1], Uint16Array.of(1))] })),
    'INVALID_ARG: sending FP16 data via JSON is not supported. Please use the binary data format for output',
  );
  assert.equal(
    failureOf(() => encode({ outputs: [tensor('O', 'INT32', [2], Int32Array.of(1))] })),
    "INTERNAL: Failed to write 'data' field: output tensor shape does not match size of output for 'O'",
  );
  assert.equal(
    failureOf(() => encode({ outputs: [tensor('O', 'BYTES', [2], encodeBytesElements(['x']))] })),
    "INTERNAL: output tensor shape does not match size of output for 'O'",
  );
});
