import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeBytesElements, StatusError, type Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { BatchIo } from './batch-io.ts';
import { batchOf, configured, int32, int32Values, request } from './test-support/requests.ts';

const PLAIN = configured(`
name: "m" backend: "b" max_batch_size: 8
input { name: "A" data_type: TYPE_INT32 dims: [ 2 ] }
input { name: "B" data_type: TYPE_STRING dims: [ -1 ] }
output { name: "A" data_type: TYPE_INT32 dims: [ 2 ] }
output { name: "B" data_type: TYPE_STRING dims: [ -1 ] }`);

function strings(rows: readonly (readonly string[])[]): Tensor {
  return {
    name: 'B',
    dataType: 'BYTES',
    shape: [rows.length, rows[0]?.length ?? 0],
    data: encodeBytesElements(rows.flat()),
  };
}

describe('BatchIo', () => {
  it('passes the tensors of a single request on as they are', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const [a, b] = [int32('A', [1, 2], [1, 2]), strings([['x']])];
    const batch = batchOf([request(PLAIN.signature, [a, b])]);
    const gathered = io.gather(batch);
    assert.equal(gathered[0], a);
    assert.equal(gathered[1], b);
    const output = int32('A', [1, 2], [3, 4]);
    assert.equal(io.scatter(output, batch)[0], output);
  });

  it('concatenates requests along the batch dimension', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const batch = batchOf([
      request(PLAIN.signature, [int32('A', [1, 2], [1, 2]), strings([['x']])]),
      request(PLAIN.signature, [int32('A', [2, 2], [3, 4, 5, 6]), strings([['yy'], ['']])]),
    ]);
    const [a, b] = io.gather(batch);
    assert.deepEqual(a, int32('A', [3, 2], [1, 2, 3, 4, 5, 6]));
    assert.deepEqual(b, strings([['x'], ['yy'], ['']]));
  });

  it('gives every request back what it put in, without a copy', () => {
    const row = fc.tuple(fc.tuple(fc.integer(), fc.integer()), fc.tuple(fc.string(), fc.string()));
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    fc.assert(
      fc.property(
        fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        (requests) => {
          const given = requests.map((rows) => [
            int32(
              'A',
              [rows.length, 2],
              rows.flatMap(([numbers]) => numbers),
            ),
            strings(rows.map(([, texts]) => texts)),
          ]);
          const batch = batchOf(given.map((tensors) => request(PLAIN.signature, tensors)));
          for (const [input, gathered] of io.gather(batch).entries()) {
            for (const [index, part] of io.scatter(gathered, batch).entries()) {
              assert.ok(!(part instanceof StatusError));
              assert.deepEqual(part, given[index]?.[input]);
              assert.equal(part.data.buffer, gathered.data.buffer);
            }
          }
        },
      ),
    );
  });

  it('fails the requests whose rows the model did not give, and those alone', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const tensors = [int32('A', [2, 2], [1, 2, 3, 4]), strings([['x'], ['y']])];
    const batch = batchOf([request(PLAIN.signature, tensors), request(PLAIN.signature, tensors, { id: 'r2' })]);
    const [first, second] = io.scatter(int32('A', [3, 1], [7, 8, 9]), batch);
    assert.deepEqual(first, int32('A', [2, 1], [7, 8]));
    assert.ok(second instanceof StatusError);
    assert.equal(second.code, 'UNSUPPORTED');
    assert.equal(
      second.message,
      "[request id: r2] failed to split the output tensor 'A' in responses: expected batch size of at least 4 in model output, got 3",
    );
  });

  it('drops rows nobody asked for', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const batch = batchOf([request(PLAIN.signature, [int32('A', [1, 2], [1, 2]), strings([['x']])])]);
    assert.deepEqual(io.scatter(int32('A', [3, 1], [7, 8, 9]), batch), [int32('A', [1, 1], [7])]);
  });

  it('refuses requests that do not fit together', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const b = strings([['x']]);
    const wider = batchOf([
      request(PLAIN.signature, [int32('A', [1, 2], [1, 2]), b]),
      request(PLAIN.signature, [int32('A', [1, 3], [1, 2, 3]), b]),
    ]);
    assert.throws(() => io.gather(wider), /has shapes \[1,2\] and \[1,3\]/);
    const missing = batchOf([
      request(PLAIN.signature, [int32('A', [1, 2], [1, 2]), b]),
      request(PLAIN.signature, [b], { outputs: [] }),
    ]);
    assert.throws(() => io.gather(missing), /input 'A' is missing in some requests/);
  });

  it('adds what the scheduler feeds', () => {
    const io = new BatchIo(PLAIN.config, PLAIN.signature);
    const start = int32('START', [1, 1], [1]);
    const tensors = [int32('A', [1, 2], [1, 2]), strings([['x']])];
    const batch = batchOf([request(PLAIN.signature, tensors)], { schedulerInputs: new Map([['START', start]]) });
    assert.equal(io.gather(batch)[2], start);
  });
});

describe('ragged batches', () => {
  const kinds = [
    'BATCH_ELEMENT_COUNT',
    'BATCH_ACCUMULATED_ELEMENT_COUNT',
    'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO',
    'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE',
    'BATCH_ITEM_SHAPE',
    'BATCH_ITEM_SHAPE_FLATTEN',
  ];
  const ragged = configured(`
name: "m" backend: "b" max_batch_size: 8
input { name: "R" data_type: TYPE_INT32 dims: [ -1, -1 ] allow_ragged_batch: true }
output { name: "O" data_type: TYPE_INT32 dims: [ -1, -1 ] }
${kinds.map((kind) => `batch_input { kind: ${kind} target_name: "${kind}" data_type: TYPE_INT32 source_input: "R" }`).join('\n')}
batch_input { kind: BATCH_ELEMENT_COUNT target_name: [ "F", "G" ] data_type: TYPE_FP32 source_input: "R" }
batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "O" source_input: "R" }`);
  const first = int32('R', [1, 2, 3], [1, 2, 3, 4, 5, 6]);
  const second = int32('R', [2, 1, 2], [7, 8, 9, 10]);
  const batch = batchOf([first, second].map((tensor) => request(ragged.signature, [tensor])));
  const io = new BatchIo(ragged.config, ragged.signature);
  const gathered = new Map(io.gather(batch).map((tensor) => [tensor.name, tensor]));

  it('lays the elements of all requests one after the other', () => {
    assert.deepEqual(gathered.get('R'), int32('R', [10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    const single = io.gather(batchOf([request(ragged.signature, [first])]));
    assert.deepEqual(single[0], int32('R', [6], [1, 2, 3, 4, 5, 6]));
    assert.equal(single[0]?.data, first.data);
  });

  it('tells the model about the requests', () => {
    const expected: Record<string, [number[], number[]]> = {
      BATCH_ELEMENT_COUNT: [[2], [6, 4]],
      BATCH_ACCUMULATED_ELEMENT_COUNT: [[2], [6, 10]],
      BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO: [[3], [0, 6, 10]],
      BATCH_MAX_ELEMENT_COUNT_AS_SHAPE: [[6], [0, 0, 0, 0, 0, 0]],
      BATCH_ITEM_SHAPE: [
        [3, 2],
        [2, 3, 1, 2, 1, 2],
      ],
      BATCH_ITEM_SHAPE_FLATTEN: [[6], [2, 3, 1, 2, 1, 2]],
    };
    for (const [kind, [shape, values]] of Object.entries(expected)) {
      assert.deepEqual([gathered.get(kind)?.shape, int32Values(gathered.get(kind))], [shape, values], kind);
    }
  });

  it('tells it in FP32 too, to every target', () => {
    for (const name of ['F', 'G']) {
      assert.equal(gathered.get(name)?.dataType, 'FP32');
      assert.deepEqual([...new Float32Array(gathered.get(name)?.data.slice().buffer ?? new ArrayBuffer(0))], [6, 4]);
    }
  });

  it('cuts outputs by the shape of each request’s input', () => {
    const parts = io.scatter(int32('O', [10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), batch);
    assert.deepEqual(parts, [int32('O', [1, 2, 3], [1, 2, 3, 4, 5, 6]), int32('O', [2, 1, 2], [7, 8, 9, 10])]);
    const [good, short] = io.scatter(int32('O', [7], [1, 2, 3, 4, 5, 6, 7]), batch);
    assert.ok(!(good instanceof StatusError) && short instanceof StatusError);
  });
});
