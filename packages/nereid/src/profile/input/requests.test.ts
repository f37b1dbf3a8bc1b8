import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '../random.ts';
import { ServerApi } from '../server-api.ts';
import type { ModelDescription } from './model-inputs.ts';
import { makeTarget, type RequestOptions } from './requests.ts';
import { encodeValues, randomBytes } from './tensor-bytes.ts';

const API = new ServerApi('localhost:8000', 'm', undefined);
const MODEL: ModelDescription = {
  inputs: [
    { name: 'A', datatype: 'INT32', shape: [2] },
    { name: 'S', datatype: 'BYTES', shape: [1] },
  ],
  maxBatchSize: 4,
  isSequence: false,
  isEnsemble: false,
};
const OPTIONS: RequestOptions = { source: 'zero', batchSize: 1, sequenceLength: 3, random: seededRandom(1) };

/** Takes a request apart again. */
function parse(request: Uint8Array) {
  const text = Buffer.from(request);
  const end = text.indexOf('\r\n\r\n') + 4;
  const head = text.toString('latin1', 0, end);
  const headerLength = Number(/Inference-Header-Content-Length: (\d+)/.exec(head)![1]);
  assert.equal(Number(/\r\nContent-Length: (\d+)/.exec(head)![1]), text.length - end);
  const json = JSON.parse(text.toString('utf8', end, end + headerLength)) as {
    parameters: Record<string, unknown>;
    inputs: { name: string; shape: number[]; parameters: { binary_data_size: number } }[];
  };
  return { line: head.split('\r\n')[0], json, data: text.subarray(end + headerLength) };
}

test('a request is one of the protocol, with tensors in binary', () => {
  const { line, json, data } = parse(makeTarget(API, MODEL, OPTIONS).request(0, 0));
  assert.equal(line, 'POST /v2/models/m/infer HTTP/1.1');
  assert.deepEqual(json.parameters, { binary_data_output: true });
  assert.deepEqual(
    json.inputs.map(({ name, shape, parameters }) => [name, shape, parameters.binary_data_size]),
    [
      ['A', [1, 2], 8],
      ['S', [1, 1], 4],
    ],
  );
  assert.deepEqual(data, Buffer.alloc(12));
});

test('data comes from a file in the format of perf_analyzer, items in batches', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-profile-'));
  const path = join(directory, 'data.json');
  const source = (data: unknown) => {
    writeFileSync(path, JSON.stringify({ data }));
    return makeTarget(API, MODEL, { ...OPTIONS, source: path, batchSize: 2 });
  };
  try {
    const target = source([
      { A: [1, 2], S: ['a'] },
      { A: { content: [[3, 4]], shape: [2] }, S: { b64: 'YmM=' } },
      { A: [5, 6], S: ['d'] },
    ]);
    const [first, second] = [parse(target.request(0, 0)), parse(target.request(0, 1))];
    assert.deepEqual(new Int32Array(new Uint8Array(first.data.subarray(0, 16)).buffer), Int32Array.of(1, 2, 3, 4));
    assert.equal(first.data.toString('latin1', 16), '\x01\0\0\0a\x02\0\0\0bc');
    assert.deepEqual(new Int32Array(new Uint8Array(second.data.subarray(0, 16)).buffer), Int32Array.of(5, 6, 1, 2));
    assert.throws(() => source([{ A: [1, 2] }]), /entry 0, input 'S' is missing/);
    assert.throws(() => source([{ A: [1], S: ['a'] }]), /entry 0, input 'A': 1 values instead of 2/);
    assert.throws(() => source([{ A: ['x', 1], S: ['a'] }]), /"x" is no value of type INT32/);
    assert.throws(() => source([]), /has no list 'data'/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('requests of a sequence model have ids, starts and ends; every client has sequences of its own', () => {
  const target = makeTarget(API, { ...MODEL, isSequence: true }, { ...OPTIONS, sequenceLength: 2 });
  const sequence = (client: number, index: number) => parse(target.request(client, index)).json.parameters;
  const ids = [0, 1, 2].map((index) => sequence(0, index)['sequence_id']);
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[1], ids[2]);
  assert.notEqual(sequence(1, 0)['sequence_id'], ids[0]);
  const flags = [0, 1].map((index) => [sequence(0, index)['sequence_start'], sequence(0, index)['sequence_end']]);
  assert.deepEqual(flags, [
    [true, false],
    [false, true],
  ]);
});

test('a batch beyond the model’s is refused', () => {
  assert.throws(() => makeTarget(API, MODEL, { ...OPTIONS, batchSize: 5 }), /batch size 5 is more than the model's 4/);
});

test('random data is the same for the same seed and of every type', () => {
  for (const type of [
    'BOOL',
    'UINT8',
    'INT8',
    'INT16',
    'UINT16',
    'INT32',
    'UINT32',
    'INT64',
    'UINT64',
    'FP16',
    'BF16',
    'FP32',
    'FP64',
    'BYTES',
  ]) {
    assert.deepEqual(randomBytes(type, 5, seededRandom(3)), randomBytes(type, 5, seededRandom(3)), type);
  }
  assert.deepEqual(encodeValues('BF16', [1]), Uint8Array.of(0x80, 0x3f));
  assert.deepEqual(encodeValues('FP16', [1]), Uint8Array.of(0x00, 0x3c));
  assert.deepEqual(encodeValues('BOOL', [true, false]), Uint8Array.of(1, 0));
});
