import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { OnnxRuntime } from './index.ts';
import { addSubModel } from './test-support/onnx-bytes.ts';

const WORKER = new URL('./test-support/session-worker.ts', import.meta.url);

describe('a session shared with other threads', () => {
  it('runs there, and lives until the last thread has released it', async () => {
    const runtime = new OnnxRuntime({ intraOpThreads: 1 });
    const session = await runtime.load(addSubModel(['batch', 2]));
    const workers = [1, 2].map(() => new Worker(WORKER, { workerData: session.share() }));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const handle = session.share();
    await session.release();
    for (const worker of workers) {
      worker.postMessage([3, 4]);
      const [sum] = await once(worker, 'message');
      assert.deepEqual(sum, [7, -1]);
    }
    assert.throws(() => session.share(), /released/);
    for (const worker of workers) {
      worker.postMessage('release');
      await once(worker, 'exit');
    }
    assert.throws(() => runtime.attach(handle), /released/);
    await runtime.close();
  });

  it('is refused when it was released already', async () => {
    const runtime = new OnnxRuntime({ intraOpThreads: 1 });
    const session = await runtime.load(addSubModel());
    const handle = session.share();
    await session.release();
    assert.throws(() => runtime.attach(handle), /released/);
    await runtime.close();
  });
});
