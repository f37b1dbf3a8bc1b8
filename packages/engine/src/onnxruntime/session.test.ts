import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type ElementType,
  EngineError,
  type EngineTensor,
  OnnxRuntime,
  OnnxRuntimeError,
  PendingRun,
  type RunInput,
} from './index.ts';
import {
  addSubModel,
  field,
  graph,
  identityModel,
  message,
  model,
  node,
  TYPE,
  tensor,
} from './test-support/onnx-bytes.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
after(() => runtime.close());

function int32(input: number, shape: readonly number[], values: readonly number[]): RunInput {
  return { input, dataType: 'INT32', shape, data: new Uint8Array(Int32Array.from(values).buffer) };
}

function values(output: EngineTensor | undefined): number[] {
  return output === undefined ? [] : [...new Int32Array(output.data.slice().buffer)];
}

function bytesTensor(elements: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    elements.map((element) => {
      const contents = Buffer.from(element);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(contents.byteLength);
      return Buffer.concat([length, contents]);
    }),
  );
}

describe('Session', () => {
  it('tells names, types, shapes and symbolic dimensions', async () => {
    const session = await runtime.load(addSubModel(['batch', 16, '']));
    assert.deepEqual(session.inputs[1], {
      name: 'INPUT1',
      kind: 'tensor',
      dataType: 'INT32',
      onnxElementType: 'INT32',
      dims: [-1, 16, -1],
      symbolicDims: ['batch', '', ''],
    });
    assert.deepEqual(
      session.outputs.map(({ name }) => name),
      ['OUTPUT0', 'OUTPUT1'],
    );
    await session.release();
  });

  it('runs on the calling thread', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const outputs = session.runSync([int32(0, [2, 2], [1, 2, 3, 4]), int32(1, [2, 2], [10, 20, 30, 40])]);
    assert.deepEqual(
      outputs.map(({ shape, dataType }) => ({ shape, dataType })),
      [
        { shape: [2, 2], dataType: 'INT32' },
        { shape: [2, 2], dataType: 'INT32' },
      ],
    );
    assert.deepEqual(outputs.map(values), [
      [11, 22, 33, 44],
      [-9, -18, -27, -36],
    ]);
    await session.release();
  });

  it('runs on the thread pool, only what was asked for', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const outputs = await session.runAsync([int32(0, [1, 2], [1, 2]), int32(1, [1, 2], [10, 20])], [1]).result;
    assert.deepEqual(outputs.map(values), [[-9, -18]]);
    await session.release();
  });

  it('moves a short model from the pool to the calling thread', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const inputs = [int32(0, [1, 2], [1, 2]), int32(1, [1, 2], [10, 20])];
    let inline = false;
    for (let run = 0; run < 1000 && !inline; run++) {
      const outcome = session.run(inputs);
      inline = !(outcome instanceof PendingRun);
      const [sum] = outcome instanceof PendingRun ? await outcome.result : outcome;
      assert.deepEqual(values(sum), [11, 22]);
    }
    assert.equal(inline, true);
    await session.release();
  });

  it('takes and gives every element type', async () => {
    const sizes: Record<keyof typeof TYPE, [ElementType, number]> = {
      BOOL: ['BOOL', 1],
      UINT8: ['UINT8', 1],
      INT8: ['INT8', 1],
      UINT16: ['UINT16', 2],
      INT16: ['INT16', 2],
      FLOAT16: ['FP16', 2],
      BFLOAT16: ['BF16', 2],
      INT32: ['INT32', 4],
      UINT32: ['UINT32', 4],
      FLOAT: ['FP32', 4],
      INT64: ['INT64', 8],
      UINT64: ['UINT64', 8],
      DOUBLE: ['FP64', 8],
      STRING: ['BYTES', 0],
    };
    for (const [name, [dataType, size]] of Object.entries(sizes)) {
      // Names shared by input and output, names that differ (memory of ONNX Runtime's), numbers only.
      for (const dims of [['n'], [3], ['', 3]]) {
        const session = await runtime.load(identityModel(TYPE[name as keyof typeof TYPE], dims));
        const data =
          size === 0
            ? bytesTensor(['a', '', 'ö'])
            : Uint8Array.from({ length: 3 * size }, (_, index) => (index % size === 0 ? 1 : 0));
        const shape = dims.length === 1 ? [3] : [1, 3];
        const [inline] = session.runSync([{ input: 0, dataType, shape, data }]);
        assert.deepEqual(inline, { dataType, shape, data: new Uint8Array(data) });
        const [pooled] = await session.runAsync([{ input: 0, dataType, shape, data }]).result;
        assert.deepEqual(pooled, inline);
        await session.release();
      }
    }
  });

  it('keeps every byte of strings: empty, not UTF-8, with NUL, long', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const elements = [
      '',
      'x',
      new Uint8Array([0]),
      new Uint8Array([1, 0, 2]),
      new Uint8Array([255, 254]),
      'y'.repeat(100_000),
      '',
    ];
    const data = bytesTensor(elements);
    const [output] = session.runSync([{ input: 0, dataType: 'BYTES', shape: [elements.length], data }]);
    assert.deepEqual(output?.data, new Uint8Array(data));
    await session.release();
  });

  it('cuts C strings at their first NUL', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const data = bytesTensor(['', 'x', new Uint8Array([0]), new Uint8Array([1, 0, 2, 0]), `${'y'.repeat(1000)}\0z`]);
    const [output] = session.runSync([{ input: 0, dataType: 'BYTES', shape: [5], data, cStrings: true }]);
    assert.deepEqual(output?.data, new Uint8Array(bytesTensor(['', 'x', '', new Uint8Array([1]), 'y'.repeat(1000)])));
    await session.release();
  });

  it('refuses malformed strings', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const run = (shape: number[], data: Uint8Array) => () =>
      session.runSync([{ input: 0, dataType: 'BYTES', shape, data }]);
    assert.throws(run([2], bytesTensor(['a'])), /ends before element 1 of 2/);
    assert.throws(run([1], bytesTensor(['a', 'b'])), /left over/);
    assert.throws(run([1], Uint8Array.of(255, 255, 255, 255, 1)), /ends at byte/);
    assert.throws(run([1], Uint8Array.of(1, 0)), EngineError);
    assert.deepEqual(
      session.runSync([{ input: 0, dataType: 'BYTES', shape: [0], data: new Uint8Array() }])[0]?.shape,
      [0],
    );
    await session.release();
  });

  it('handles tensors without elements and scalars', async () => {
    const session = await runtime.load(addSubModel(['batch', 16]));
    const empty = session.runSync([int32(0, [0, 16], []), int32(1, [0, 16], [])]);
    assert.deepEqual(
      empty.map(({ shape, data }) => [shape, data.byteLength]),
      [
        [[0, 16], 0],
        [[0, 16], 0],
      ],
    );
    const scalar = await runtime.load(addSubModel([]));
    assert.deepEqual(values(scalar.runSync([int32(0, [], [3]), int32(1, [], [4])])[0]), [7]);
    await Promise.all([session.release(), scalar.release()]);
  });

  it('reads slices of a larger buffer, aligned or not', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const body = new Uint8Array(64);
    for (const offset of [0, 1, 2, 3, 4, 7, 8]) {
      body.fill(0);
      const view = new DataView(body.buffer);
      view.setInt32(offset, 70_000, true);
      view.setInt32(offset + 4, -5, true);
      const slice: RunInput = { input: 0, dataType: 'INT32', shape: [1, 2], data: body.subarray(offset, offset + 8) };
      assert.deepEqual(values(session.runSync([slice, int32(1, [1, 2], [1, 1])])[0]), [70_001, -4]);
    }
    await session.release();
  });

  it('gives outputs whose shape only the run knows', async () => {
    const nonZero = { nodes: [node('NonZero', ['X'], ['Y'])], inputs: [{ name: 'X', type: TYPE.INT32, dims: ['n'] }] };
    for (const dims of [
      [1, 'found'],
      [1, ''],
      [1, 'n'] /* a lie */,
    ]) {
      const session = await runtime.load(model({ ...nonZero, outputs: [{ name: 'Y', type: TYPE.INT64, dims }] }));
      for (const [given, expected] of [
        [
          [5, 0, 7],
          [0n, 2n],
        ],
        [[0, 0, 0], []],
        [
          [1, 2, 3],
          [0n, 1n, 2n],
        ],
      ] as const) {
        const input = [int32(0, [3], given)];
        for (const [output] of [session.runSync(input), await session.runAsync(input).result]) {
          assert.deepEqual(output?.shape, [1, expected.length]);
          assert.deepEqual([...new BigInt64Array(output.data.slice().buffer)], expected);
        }
      }
      await session.release();
    }
  });

  it('keeps serving a model whose declared output shape is wrong', async () => {
    const specs = (name: string, dim: string) => ({ name, type: TYPE.INT32, dims: [dim] });
    const bytes = model({
      nodes: [node('Add', ['X', 'Y'], ['Z'])],
      inputs: [specs('X', 'n'), specs('Y', 'm')],
      outputs: [specs('Z', 'n')],
    });
    const session = await runtime.load(bytes);
    assert.deepEqual(values(session.runSync([int32(0, [1], [1]), int32(1, [3], [1, 2, 3])])[0]), [2, 3, 4]);
    const again = await session.runAsync([int32(0, [1], [1]), int32(1, [2], [1, 2])]).result;
    assert.deepEqual(again.map(values), [[2, 3]]);
    await session.release();
  });

  it('lets a run override an initialiser', async () => {
    const one = tensor('W', TYPE.INT32, [1], new Uint8Array(Int32Array.of(1).buffer));
    const specs = (name: string) => ({ name, type: TYPE.INT32, dims: [1] });
    const bytes = model({
      nodes: [node('Add', ['X', 'W'], ['Y'])],
      inputs: [specs('X'), specs('W')],
      outputs: [specs('Y')],
      initializers: [one],
    });
    const session = await runtime.load(bytes);
    assert.equal(session.requiredInputCount, 1);
    assert.deepEqual(
      session.inputs.map(({ name }) => name),
      ['X', 'W'],
    );
    assert.deepEqual(values(session.runSync([int32(0, [1], [5])])[0]), [6]);
    assert.deepEqual(values(session.runSync([int32(0, [1], [5]), int32(1, [1], [10])])[0]), [15]);
    await session.release();
  });

  it('tells what is not a tensor', async () => {
    const sequence = field(2, field(4, field(1, field(1, message(field(1, TYPE.INT32))))));
    const bytes = message(
      field(1, 8),
      field(8, message(field(1, ''), field(2, 17))),
      field(
        7,
        message(
          graph({
            nodes: [node('SequenceConstruct', ['X'], ['S'])],
            inputs: [{ name: 'X', type: TYPE.INT32, dims: [1] }],
            outputs: [],
          }),
          field(12, message(field(1, 'S'), sequence)),
        ),
      ),
    );
    const session = await runtime.load(bytes);
    assert.equal(session.outputs[0]?.kind, 'sequence');
    assert.throws(() => session.runSync([int32(0, [1], [5])]), /output 'S' is not a tensor/);
    await session.release();
  });

  it('reports wrong inputs without running', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const good = int32(1, [1, 2], [1, 2]);
    const run = (input: RunInput, outputs?: number[]) => () => session.runSync([input, good], outputs);
    assert.throws(run({ ...int32(0, [1, 2], [1, 2]), data: new Uint8Array(7) }), /takes 8 bytes, 7 given/);
    assert.throws(run(int32(0, [-1, 2], [])), /not a size/);
    assert.throws(run(int32(0, [0.5, 2], [1])), /not a size/);
    assert.throws(run(int32(0, [2 ** 40, 2 ** 40], [])), /too many elements/);
    assert.throws(run(int32(0, new Array(65).fill(1), [1])), /65 dimensions/);
    assert.throws(run(int32(1, [1, 2], [1, 2])), /given twice/);
    assert.throws(run(int32(7, [1, 2], [1, 2])), /does not exist/);
    assert.throws(run(int32(0, [1, 2], [1, 2]), [9]), /output 9 does not exist/);
    assert.throws(run(int32(0, [1, 2], [1, 2]), [0, 1, 0]), EngineError);
    assert.deepEqual(values(run(int32(0, [1, 2], [1, 2]))()[0]), [2, 4]);
    await session.release();
  });

  it('passes on what ONNX Runtime says', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const wrongShape = [int32(0, [1, 3], [1, 2, 3]), int32(1, [1, 2], [1, 2])];
    const expected = (error: unknown) =>
      error instanceof OnnxRuntimeError &&
      error.code === 2 &&
      error.message.startsWith('Got invalid dimensions for input: INPUT0');
    assert.throws(() => session.runSync(wrongShape), expected);
    await assert.rejects(session.runAsync(wrongShape).result, expected);
    assert.throws(
      () => session.runSync([int32(0, [1, 2], [1, 2])]),
      (error) => error instanceof OnnxRuntimeError && /Missing Input: INPUT1/.test(error.message),
    );
    await session.release();
  });

  it('stops a run that is told to', async () => {
    const session = await runtime.load(endlessModel());
    const run = session.runAsync([]);
    run.terminate();
    await assert.rejects(
      run.result,
      (error) => error instanceof OnnxRuntimeError && /terminate flag/.test(error.message),
    );
    const waiting = Array.from({ length: 5 }, () => session.runAsync([]));
    for (const each of waiting) setImmediate(() => each.terminate());
    const results = await Promise.allSettled(waiting.map(({ result }) => result));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    run.terminate();
    await session.release();
  });

  it('finishes what is running before it is released, and refuses what comes later', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const runs = Array.from({ length: 20 }, (_, index) =>
      session.runAsync([int32(0, [1, 2], [index, 0]), int32(1, [1, 2], [1, 1])]),
    );
    const released = session.release();
    assert.throws(() => session.runSync([]), /released/);
    await assert.rejects(session.runAsync([]).result, /released/);
    await released;
    const sums = await Promise.all(runs.map(async ({ result }) => values((await result)[0])[0]));
    assert.deepEqual(
      sums,
      runs.map((_, index) => index + 1),
    );
    await session.release();
  });

  it('keeps 64 runs at once apart, under garbage collection', async () => {
    const session = await runtime.load(addSubModel(['batch', 64]));
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < 3000) {
        const id = next++;
        const inputs = [0, 1].map((input) => int32(input, [1, 64], new Array(64).fill(id)));
        const [sum] = id % 7 === 0 ? session.runSync(inputs) : await session.runAsync(inputs).result;
        assert.ok(values(sum).every((value) => value === 2 * id));
        if (id % 100 === 0) collectGarbage();
      }
    };
    await Promise.all(Array.from({ length: 64 }, lane));
    await session.release();
  });
});

/** A loop of 2^62 rounds. */
function endlessModel(): Buffer {
  const scalar = (name: string, type: number) => ({ name, type, dims: [] });
  const int64 = (name: string, value: bigint) =>
    tensor(name, TYPE.INT64, [], new Uint8Array(BigInt64Array.of(value).buffer));
  const body = graph({
    nodes: [node('Identity', ['condition'], ['next']), node('Add', ['sum', 'round'], ['more'])],
    inputs: [scalar('round', TYPE.INT64), scalar('condition', TYPE.BOOL), scalar('sum', TYPE.INT64)],
    outputs: [scalar('next', TYPE.BOOL), scalar('more', TYPE.INT64)],
  });
  return model({
    nodes: [node('Loop', ['rounds', 'true', 'zero'], ['Y'], [message(field(1, 'body'), field(6, body), field(20, 5))])],
    inputs: [],
    outputs: [scalar('Y', TYPE.INT64)],
    initializers: [int64('rounds', 2n ** 62n), int64('zero', 0n), tensor('true', TYPE.BOOL, [], Uint8Array.of(1))],
  });
}
