import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { OnnxRuntime } from './index.ts';
import type { RunInput } from './tensor.ts';
import { addSubModel } from './test-support/onnx-bytes.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
after(() => runtime.close());

function int32(input: number, shape: readonly number[], values: readonly number[]): RunInput {
  return { input, dataType: 'INT32', shape, data: new Uint8Array(Int32Array.from(values).buffer) };
}

function values(data: Uint8Array | undefined): number[] {
  return data === undefined ? [] : [...new Int32Array(data.slice().buffer)];
}

describe('Session', () => {
  it('runs inline', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const outputs = session.runSync([int32(0, [2, 2], [1, 2, 3, 4]), int32(1, [2, 2], [10, 20, 30, 40])]);
    assert.deepEqual(
      outputs.map(({ shape, dataType }) => ({ shape, dataType })),
      [
        { shape: [2, 2], dataType: 'INT32' },
        { shape: [2, 2], dataType: 'INT32' },
      ],
    );
    assert.deepEqual(values(outputs[0]?.data), [11, 22, 33, 44]);
    assert.deepEqual(values(outputs[1]?.data), [-9, -18, -27, -36]);
    await session.release();
  });

  it('runs on the thread pool', async () => {
    const session = await runtime.load(addSubModel(['batch', 2]));
    const [difference] = await session.runAsync([int32(0, [1, 2], [1, 2]), int32(1, [1, 2], [10, 20])], [1]).result;
    assert.deepEqual(values(difference?.data), [-9, -18]);
    await session.release();
  });
});
