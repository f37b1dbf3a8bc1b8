import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { DATA_TYPES, type Tensor } from '@nereid/protocol';
import {
  type InferParameter,
  type ModelInferResponse,
  ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from '@nereid/protocol/grpc-service';
import fc from 'fast-check';
import type { EncodedMessage } from '../transport/encoded-message.ts';
import { InferResponseEncoder, type InferResponseMessage } from './infer-response.ts';

const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 40 }));
const value = fc.oneof(fc.boolean(), text, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.double({ noNaN: true }));
const tensor: fc.Arbitrary<Tensor> = fc.record({
  name: text,
  dataType: fc.constantFrom(...DATA_TYPES),
  shape: fc.array(fc.nat(2 ** 40), { maxLength: 40 }),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(200_000).map((length) => new Uint8Array(length).fill(7)),
  ),
});
const response: fc.Arbitrary<InferResponseMessage> = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  parameters: fc
    .uniqueArray(
      fc.tuple(
        text.filter((name) => name !== '__proto__'),
        value,
      ),
      { selector: ([name]) => name, maxLength: 4 },
    )
    .map((entries) => new Map(entries)),
  outputs: fc.array(tensor, { maxLength: 4 }),
});

/** The message behind the prefix, whose length is checked. */
function unframed({ parts, byteLength }: EncodedMessage): Buffer {
  const whole = Buffer.concat(parts);
  assert.equal(whole.length, byteLength);
  assert.equal(whole[0], 0);
  assert.equal(whole.readUInt32BE(1), whole.length - 5);
  return whole.subarray(5);
}

function check(decoded: ModelInferResponse, expected: InferResponseMessage): void {
  assert.equal(decoded.modelName, expected.modelName);
  assert.equal(decoded.modelVersion, expected.modelVersion);
  assert.equal(decoded.id, expected.id);
  const plain = Object.fromEntries(
    Object.entries(decoded.parameters).map(([name, given]) => [name, plainValue(given)]),
  );
  assert.deepEqual(plain, Object.fromEntries([...expected.parameters].map(([name, given]) => [name, asWire(given)])));
  assert.deepEqual(
    decoded.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(Number) })),
    expected.outputs.map(({ name, dataType, shape }) => ({ name, datatype: dataType, shape })),
  );
  assert.deepEqual(
    decoded.rawOutputContents.map((raw) => Buffer.from(raw)),
    expected.outputs.map(({ data }) => Buffer.from(data)),
  );
}

function plainValue({ parameterChoice }: InferParameter): unknown {
  return parameterChoice.value;
}

/** Whole numbers travel as int64. */
function asWire(given: string | number | bigint | boolean): unknown {
  return typeof given === 'number' && Number.isSafeInteger(given) ? BigInt(given) : given;
}

test('the generated code reads what is written', () => {
  const encoder = new InferResponseEncoder();
  fc.assert(
    fc.property(response, (message) => {
      check(fromBinary(ModelInferResponseSchema, unframed(encoder.response(message))), message);
      const streamed = fromBinary(ModelStreamInferResponseSchema, unframed(encoder.streamResponse(message)));
      assert.equal(streamed.errorMessage, '');
      check(streamed.inferResponse!, message);
    }),
  );
});

const EMPTY: InferResponseMessage = { modelName: '', modelVersion: '', id: '', parameters: new Map(), outputs: [] };

test('a stream says in its parameters which response is the last', () => {
  const encoder = new InferResponseEncoder();
  for (const finalResponse of [true, false]) {
    const message = unframed(encoder.streamResponse({ ...EMPTY, finalResponse }));
    const { inferResponse } = fromBinary(ModelStreamInferResponseSchema, message);
    assert.deepEqual(inferResponse!.parameters['triton_final_response']!.parameterChoice, {
      case: 'boolParam',
      value: finalResponse,
    });
  }
});

test('an error carries the id and nothing else', () => {
  const message = unframed(new InferResponseEncoder().streamError('went wrong', { ...EMPTY, id: 'x' }));
  const { errorMessage, inferResponse } = fromBinary(ModelStreamInferResponseSchema, message);
  assert.equal(errorMessage, 'went wrong');
  check(inferResponse!, { ...EMPTY, id: 'x' });
});

test('large contents go out as they are; small ones are one buffer with the rest', () => {
  const large = new Uint8Array(100_000);
  const output = (data: Uint8Array): Tensor => ({ name: 'a', dataType: 'UINT8', shape: [data.length], data });
  const encoder = new InferResponseEncoder();
  assert.ok(encoder.response({ ...EMPTY, outputs: [output(large)] }).parts.includes(large));
  assert.equal(encoder.response({ ...EMPTY, outputs: [output(new Uint8Array(100))] }).parts.length, 1);
});

test('outputs in shared memory keep their place with empty contents', () => {
  const outputs: Tensor[] = ['a', 'b'].map((name) => ({ name, dataType: 'UINT8', shape: [1], data: Uint8Array.of(1) }));
  const message = { ...EMPTY, outputs, elsewhere: (name: string) => name === 'a' };
  const decoded = fromBinary(ModelInferResponseSchema, unframed(new InferResponseEncoder().response(message)));
  assert.deepEqual(
    decoded.rawOutputContents.map((raw) => raw.length),
    [0, 1],
  );
});
