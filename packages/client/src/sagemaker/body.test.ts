import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InferRequestDecoder } from '@nereid/protocol';
import type { InferRequest } from '../api/index.ts';
import { encodeSageMakerBody, parseSageMakerBody } from './body.ts';

const PREFIX = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
const REQUEST: InferRequest = {
  inputs: [{ name: 'INPUT', dataType: 'FP32', shape: [1, 2], data: [1.5, -2] }],
  outputs: ['OUTPUT'],
};

describe('encodeSageMakerBody', () => {
  test('puts the contents behind the JSON and the length into the content type', () => {
    const { body, contentType } = encodeSageMakerBody(REQUEST);
    assert.ok(contentType.startsWith(PREFIX));
    const decoder = new InferRequestDecoder({ maxInputBytes: 1000, sharedMemory: () => assert.fail() });
    const jsonLength = Number(contentType.slice(PREFIX.length));
    const { inputs, outputs } = decoder.decode({ bytes: body, jsonLength, modelName: 'm' });
    assert.deepEqual(inputs[0]?.data, new Uint8Array(Float32Array.of(1.5, -2).buffer));
    assert.deepEqual(outputs, [{ name: 'OUTPUT', binary: true, classCount: 0 }]);
  });

  test('is plain JSON when asked', () => {
    const { body, contentType, accept } = encodeSageMakerBody({ ...REQUEST, binary: false });
    assert.deepEqual([contentType, accept], ['application/json', 'application/json']);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(body)), {
      inputs: [{ name: 'INPUT', datatype: 'FP32', shape: [1, 2], data: [1.5, -2] }],
      outputs: [{ name: 'OUTPUT' }],
    });
  });
});

describe('parseSageMakerBody', () => {
  const json =
    '{"model_name":"m","outputs":[{"name":"O","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}}]}';
  const body = new TextEncoder().encode(`${json}\x01\x02`);

  test('reads binary and JSON answers', () => {
    assert.deepEqual(parseSageMakerBody(body, PREFIX + json.length).output('O').data, Uint8Array.of(1, 2));
    const plain = new TextEncoder().encode('{"outputs":[{"name":"O","datatype":"UINT8","shape":[2],"data":[3,4]}]}');
    assert.deepEqual(parseSageMakerBody(plain, 'application/json').output('O').data, Uint8Array.of(3, 4));
  });

  test('refuses lengths that lie', () => {
    for (const length of ['', '-1', '1e3', 'x', '5', '999999', '99999999999999999999']) {
      assert.throws(() => parseSageMakerBody(body, PREFIX + length), { code: 'INVALID_RESPONSE' }, length);
    }
    assert.throws(() => parseSageMakerBody(body, 'application/json'), { code: 'INVALID_RESPONSE' });
  });
});
