import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { EngineError, OnnxRuntime, PendingRun } from './index.ts';
import { StepRunner } from './step-runner.ts';
import { BytesForm, CStrings } from './string-elements.ts';
import { identityModel, TYPE } from './test-support/onnx-bytes.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
after(() => runtime.close());

/** BYTES contents of `count` elements, element `i` of `lengthOf(i)` bytes without a NUL but at `nulAt(i)`. */
function bytesOf(count: number, lengthOf: (index: number) => number, nulAt: (index: number) => number = () => -1) {
  const lengths = Array.from({ length: count }, (_, index) => lengthOf(index));
  const data = new Uint8Array(lengths.reduce((sum, length) => sum + 4 + length, 0));
  const view = new DataView(data.buffer);
  let offset = 0;
  lengths.forEach((length, index) => {
    view.setUint32(offset, length, true);
    data.fill(1 + (index % 255), offset + 4, offset + 4 + length);
    const nul = nulAt(index);
    if (nul >= 0 && nul < length) data[offset + 4 + nul] = 0;
    offset += 4 + length;
  });
  return data;
}

function stepsOf(work: { step(): boolean }): number {
  let steps = 1;
  while (!work.step()) steps++;
  return steps;
}

describe('string tensors with many elements', () => {
  it('are converted in steps of bounded work, to the byte', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const count = 50_000;
    const data = bytesOf(
      count,
      (index) => (index % 1000 === 0 ? 3_000 : index % 7),
      (index) => (index % 10 === 3 ? 2 : -1),
    );
    const run = session.runAsync([{ input: 0, dataType: 'BYTES', shape: [count], data }]);
    const [output] = await run.result;
    assert.deepEqual(output?.shape, [count]);
    assert.equal(Buffer.compare(output?.data ?? new Uint8Array(), data), 0);
    await session.release();
  });

  it('end at their NULs when they are C strings', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const count = 50_000;
    const data = bytesOf(
      count,
      (index) => (index === 7 ? 2_000_000 : 5),
      (index) => (index === 7 ? 1_000_000 : index % 9),
    );
    const expected = bytesOf(count, (index) => (index === 7 ? 1_000_000 : Math.min(5, index % 9)));
    const [output] = await session.runAsync([{ input: 0, dataType: 'BYTES', shape: [count], data, cStrings: true }])
      .result;
    assert.equal(Buffer.compare(output?.data ?? new Uint8Array(), expected), 0);
    await session.release();
  });

  it('never run on the calling thread, other runs go on meanwhile', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']), { runMode: 'inline' });
    const large = bytesOf(60_000, () => 3);
    const started = session.run([{ input: 0, dataType: 'BYTES', shape: [60_000], data: large }]);
    assert.ok(started instanceof PendingRun);
    const small = bytesOf(2, () => 5);
    const answered = session.run([{ input: 0, dataType: 'BYTES', shape: [2], data: small }]);
    assert.ok(!(answered instanceof PendingRun));
    assert.deepEqual(answered[0]?.data, small);
    const [output] = await started.result;
    assert.equal(Buffer.compare(output?.data ?? new Uint8Array(), large), 0);
    await session.release();
  });

  it('may have elements of megabytes, with and without a NUL', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const data = bytesOf(
      4,
      (index) => [2_000_000, 0, 1_500_000, 5][index]!,
      (index) => (index === 2 ? 1_400_000 : -1),
    );
    const [output] = await session.runAsync([{ input: 0, dataType: 'BYTES', shape: [4], data }]).result;
    assert.equal(Buffer.compare(output?.data ?? new Uint8Array(), data), 0);
    await session.release();
  });

  it('are refused where they do not hold the elements of their shape, and the session serves on', async () => {
    const session = await runtime.load(identityModel(TYPE.STRING, ['n']));
    const run = (count: number, data: Uint8Array) =>
      session.runAsync([{ input: 0, dataType: 'BYTES', shape: [count], data }]).result;
    const data = bytesOf(20_000, () => 3);
    await assert.rejects(run(20_001, data), /ends before element 20000 of 20001/);
    await assert.rejects(run(19_999, data), /left over/);
    await assert.rejects(run(2 ** 40, data), EngineError);
    const cutOff = data.slice();
    cutOff[19_999 * 7] = 200;
    await assert.rejects(run(20_000, cutOff), /element 19999 of 20000 ends at byte/);
    const [output] = await run(20_000, data);
    assert.equal(Buffer.compare(output?.data ?? new Uint8Array(), data), 0);
    await session.release();
  });
});

describe('CStrings and BytesForm', () => {
  it('do a bounded part of the work in each step', () => {
    const many = bytesOf(100_000, () => 1);
    assert.ok(stepsOf(new CStrings(many, 100_000, true)) >= 100_000 / 8192);
    const long = bytesOf(1, () => 4_000_000);
    assert.ok(stepsOf(new CStrings(long, 1, true)) >= 2 * 7);
    const form = new BytesForm(long.subarray(4), new BigUint64Array(1), 4_000_000);
    assert.ok(stepsOf(form) >= 7);
    assert.equal(Buffer.compare(form.data, long), 0);
    const offsets = BigUint64Array.from({ length: 100_000 }, (_, index) => BigInt(index));
    assert.ok(stepsOf(new BytesForm(new Uint8Array(100_000), offsets, 100_000)) >= 100_000 / 8192);
  });

  it('find every NUL', () => {
    const element = fc.oneof(fc.uint8Array({ maxLength: 80, max: 2 }), fc.uint8Array({ maxLength: 5, min: 1 }));
    fc.assert(
      fc.property(fc.array(element, { maxLength: 40 }), (elements) => {
        const data = Buffer.concat(
          elements.map((bytes) => Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer), bytes])),
        );
        const strings = new CStrings(data, elements.length, true);
        stepsOf(strings);
        const expected = elements.flatMap((bytes, index) => (bytes.includes(0) ? [index] : []));
        assert.deepEqual(
          strings.withNul.map(({ index }) => index),
          expected,
        );
      }),
    );
  });
});

describe('StepRunner', () => {
  it('leaves room between turns, takes jobs in turn and passes on what a step throws', async () => {
    const runner = new StepRunner();
    const log: string[] = [];
    const job = (name: string, steps: number) => {
      let done = 0;
      return runner.run(() => {
        log.push(name);
        const until = performance.now() + 2;
        while (performance.now() < until);
        return ++done === steps;
      });
    };
    const jobs = Promise.all([job('a', 2), job('b', 3)]);
    setImmediate(() => log.push('other'));
    await jobs;
    assert.deepEqual(log, ['a', 'other', 'b', 'a', 'b', 'b']);
    await assert.rejects(
      runner.run(() => {
        throw new Error('no');
      }),
      /no/,
    );
  });
});
