import { parentPort, workerData } from 'node:worker_threads';
import { OnnxRuntime } from '../index.ts';

/** Attaches to the session it is given, says so, answers each pair of numbers with sum and difference, and ends on anything else. */
const runtime = new OnnxRuntime();
const session = runtime.attach(workerData, 'inline');

parentPort?.on('message', (pair: unknown) => {
  if (!Array.isArray(pair)) {
    void runtime.close().then(() => parentPort?.close());
    return;
  }
  const inputs = [0, 1].map((input) => ({
    input,
    dataType: 'INT32' as const,
    shape: [1, 2],
    data: new Uint8Array(Int32Array.of(pair[input], pair[input]).buffer),
  }));
  parentPort?.postMessage(session.runSync(inputs).map(({ data }) => new Int32Array(data.buffer)[0]));
});
parentPort?.postMessage('attached');
