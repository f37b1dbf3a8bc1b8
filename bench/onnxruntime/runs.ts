import { OnnxRuntime, PendingRun, type RunInput, type Session } from '@nereid/engine';
import { addSubModel } from '../../packages/engine/src/onnxruntime/test-support/onnx-bytes.ts';

const inputs: readonly RunInput[] = [0, 1].map((input) => ({
  input,
  dataType: 'INT32',
  shape: [2, 16],
  data: new Uint8Array(Int32Array.from({ length: 32 }, (_, index) => index + input).buffer),
}));

function report(name: string, runs: number, elapsedMs: number): void {
  const perSecond = (1000 * runs) / elapsedMs;
  console.log(
    `${name.padEnd(44)} ${Math.round(perSecond).toLocaleString('en').padStart(9)} runs/s ${(1e6 / perSecond).toFixed(1).padStart(8)} us`,
  );
}

function measureInline(name: string, session: Session, seconds: number): void {
  const start = performance.now();
  let runs = 0;
  do {
    for (let index = 0; index < 100; index++) session.runSync(inputs);
    runs += 100;
  } while (performance.now() - start < 1000 * seconds);
  report(name, runs, performance.now() - start);
}

async function measureAsync(
  name: string,
  inFlight: number,
  seconds: number,
  run: () => Promise<unknown>,
): Promise<void> {
  const start = performance.now();
  let runs = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < 1000 * seconds) {
      await run();
      runs++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  report(name, runs, performance.now() - start);
}

async function runEitherWay(session: Session): Promise<unknown> {
  const run = session.run(inputs);
  return run instanceof PendingRun ? run.result : run;
}

/**
 * Prints runs per second of an add/sub model, two inputs and two outputs of 2x16 INT32, tensor creation included: on the calling thread, on the
 * thread pool one at a time and 8 at a time, and by the session's own choice. Each is measured for `seconds`.
 */
export async function benchRuns(seconds: number): Promise<void> {
  const runtime = new OnnxRuntime({ intraOpThreads: 1 });
  console.log(`ONNX Runtime ${runtime.version}, Node ${process.version}`);
  const planned = await runtime.load(addSubModel(['batch', 16]));
  const unplanned = await runtime.load(addSubModel(['batch', 16], undefined, ['other', 16]));
  for (const session of [planned, unplanned]) for (let index = 0; index < 5000; index++) session.runSync(inputs);
  measureInline('inline, outputs written into our memory', planned, seconds);
  measureInline('inline, outputs allocated by ONNX Runtime', unplanned, seconds);
  await measureAsync('thread pool, 1 in flight', 1, seconds, () => planned.runAsync(inputs).result);
  await measureAsync('thread pool, 8 in flight', 8, seconds, () => planned.runAsync(inputs).result);
  await measureAsync('own choice, 1 in flight', 1, seconds, () => runEitherWay(planned));
  await runtime.close();
}
