import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OnnxRuntime } from '@nereid/engine';
import { model, node, TYPE, tensor } from '../../packages/engine/src/onnxruntime/test-support/onnx-bytes.ts';

const AT_ONCE = 4;

/**
 * Prints the memory of the process while a model with 4 MB of weights is loaded, run and released again and again, four at a time. It must
 * stay flat.
 */
export async function benchLoadCycles(cycles: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const bytes = modelBytes();
  const runtime = new OnnxRuntime({ intraOpThreads: 2 });
  const start = performance.now();
  for (let done = 0; done < cycles; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => cycle(runtime, bytes)));
    if (done % (cycles / 10) < AT_ONCE) {
      collectGarbage();
      console.log(`${String(done + AT_ONCE).padStart(6)} cycles ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
    }
  }
  console.log(`${((performance.now() - start) / cycles).toFixed(2)} ms per cycle`);
  await runtime.close();
}

async function cycle(runtime: OnnxRuntime, bytes: Uint8Array): Promise<void> {
  const session = await runtime.load(bytes);
  const inputs = [{ input: 0, dataType: 'FP32' as const, shape: [1, 1024], data: new Uint8Array(4096) }];
  session.runSync(inputs);
  await session.runAsync(inputs).result;
  await session.release();
}

function modelBytes(): Uint8Array {
  return model({
    nodes: [node('MatMul', ['X', 'W'], ['Y'])],
    inputs: [{ name: 'X', type: TYPE.FLOAT, dims: ['batch', 1024] }],
    outputs: [{ name: 'Y', type: TYPE.FLOAT, dims: ['batch', 1024] }],
    initializers: [tensor('W', TYPE.FLOAT, [1024, 1024], new Uint8Array(4 * 1024 * 1024))],
  });
}
