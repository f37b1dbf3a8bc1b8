import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBytesElements, JsonReader, StatusError, StringTable, type Tensor } from '@nereid/protocol';
import type { ModelHandle } from '../../inference/index.ts';
import { GenerateRequestReading } from './generate-request.ts';
import { GenerateResponseEncoding } from './generate-response.ts';

const MODEL = {
  signature: {
    maxBatchSize: 0,
    inputs: [
      { name: 'TEXT', dataType: 'BYTES', dims: [-1] },
      { name: 'NUMBERS', dataType: 'FP32', dims: [-1] },
    ],
    inputIndex: new Map([
      ['TEXT', 0],
      ['NUMBERS', 1],
    ]),
  },
} as unknown as ModelHandle;

/** Reads a body in steps; answers the request and how many steps it took. */
function read(text: string): { request: GenerateRequestReading; steps: number } {
  const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(1)]);
  const reader = new JsonReader(bytes, 0, { strings: new StringTable(), longTexts: true });
  while (!reader.run(65_536));
  const request = new GenerateRequestReading(reader.root, MODEL, 64 * 2 ** 20);
  let steps = 1;
  while (!request.step()) steps++;
  return { request, steps };
}

function failure(text: string): string {
  try {
    read(text);
    return 'none';
  } catch (error) {
    assert.ok(error instanceof StatusError);
    return `${error.code}: ${error.message}`;
  }
}

function strings(tensor: Tensor | undefined): string[] {
  return decodeBytesElements(tensor!.data, tensor!.shape[0]!, 'TEXT').map((element) => Buffer.from(element).toString());
}

test('arrays of many elements are read in steps', () => {
  const texts = Array.from({ length: 50_000 }, (_, index) => `größe ${index}`);
  const { request, steps } = read(
    `{"TEXT":${JSON.stringify(texts)},"NUMBERS":[${texts.map((_, index) => index + 0.5)}]}`,
  );
  assert.ok(steps >= (4 * 50_000) / 4096, `${steps} steps`);
  assert.deepEqual(strings(request.inputs[0]), texts);
  const numbers = new Float32Array(request.inputs[1]!.data.buffer);
  assert.deepEqual([numbers.length, numbers[49_999]], [50_000, 49_999.5]);
});

test('a long string is an input like any other, and written in parts', () => {
  const text = 'é"x'.repeat(300_000);
  const { request, steps } = read(JSON.stringify({ TEXT: [text, 'short'], id: 'a' }));
  assert.deepEqual(strings(request.inputs[0]), [text, 'short']);
  assert.ok(steps > 5);
  assert.equal(request.id, 'a');
  assert.match(failure(JSON.stringify({ p: 'x'.repeat(1_048_577) })), /string of more than 1048576 characters/);
  assert.equal(read(JSON.stringify({ p: 'x'.repeat(1_000_000) })).request.parameters.get('p'), 'x'.repeat(1_000_000));
});

test('errors come in the order of their kinds, wherever they are', () => {
  const deep = '['.repeat(101) + ']'.repeat(101);
  assert.match(failure(`{"TEXT":[1,${deep}]}`), /^INVALID_ARG: JSON nesting depth exceeds/);
  assert.match(failure(`{"NUMBERS":["a",${deep}]}`), /^INVALID_ARG: Unable to parse 'data': JSON nesting depth/);
  assert.match(failure('{"TEXT":["a",1]}'), /^INTERNAL: Unable to parse JSON bytes array/);
  assert.match(
    failure('{"parameters":{"TEXT":1}}'),
    /^INTERNAL: Converting keyword: 'parameters': Unable to parse JSON/,
  );
  assert.match(failure('{"parameters":1}'), /^INTERNAL: Expected JSON object for keyword: 'parameters'/);
  assert.match(failure('{"NUMBERS":[[1,2]]}'), /Shape does not match true shape of 'data' field/);
  const members = Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`).join();
  assert.equal(failure(`{${members}}`), 'INVALID_ARG: request has 10001 parameters, the limit is 10000');
  assert.match(
    failure(`{"parameters":{${members}}}`),
    /^INVALID_ARG: Converting keyword: 'parameters': request has 10001/,
  );
});

test('a large response is written in parts', () => {
  const data = new Uint8Array(Float64Array.from({ length: 30_000 }, (_, index) => index / 3).buffer);
  const encoding = new GenerateResponseEncoding({
    id: 'a',
    modelName: 'm',
    modelVersion: 1,
    parameters: new Map([['z', true]]),
    outputs: [{ name: 'OUT', dataType: 'FP64', shape: [30_000], data }],
  });
  let steps = 1;
  while (!encoding.step()) steps++;
  assert.ok(steps > 4 && encoding.parts.length === steps);
  const answer = JSON.parse(Buffer.concat(encoding.parts).toString()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(answer), ['OUT', 'id', 'model_name', 'model_version', 'z']);
  assert.equal((answer['OUT'] as number[])[29_999], 29_999 / 3);
});
