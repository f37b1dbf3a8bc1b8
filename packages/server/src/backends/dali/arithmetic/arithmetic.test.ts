import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ElementType } from '../format/index.ts';
import { runPipeline } from '../test-support/run-pipeline.ts';
import { ExpressionError, parseExpression } from './expression.ts';
import { promote } from './types.ts';

const vector = (type: ElementType, data: readonly (number | bigint)[]) => ({
  type,
  shape: [data.length],
  samples: [data],
});

async function compute(define: Parameters<typeof runPipeline>[1], ...inputs: ReturnType<typeof vector>[]) {
  const [output] = await runPipeline(inputs, define);
  return { type: output!.type, shape: output!.shape, data: output!.samples[0] };
}

test('expressions of the whole grammar are parsed', () => {
  assert.deepEqual(parseExpression('fdiv(&0 $0:int32)'), {
    kind: 'call',
    name: 'fdiv',
    operands: [
      { kind: 'input', index: 0 },
      { kind: 'constant', index: 0, type: 'INT32' },
    ],
  });
  const nested = parseExpression('clamp(add(&0 &12) $1:float16 $0:bool)');
  assert.equal(nested.kind === 'call' && nested.operands.length, 3);
});

test('text that is no expression is refused with the place', () => {
  for (const [text, place] of [
    ['', 'character 0'],
    ['add(&0', 'character 6'],
    ['add(&0 &1) x', 'character 11'],
    ['add(&x)', 'character 5'],
    ['add($0)', 'character 6'],
    ['add($0:int7)', 'known type'],
    [`${'minus('.repeat(100)}&0${')'.repeat(100)}`, 'nested'],
  ] as const) {
    assert.throws(
      () => parseExpression(text),
      (error) => error instanceof ExpressionError && error.message.includes(place),
      text,
    );
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'add(&0$1:int32 )'), maxLength: 30 }), (text) => {
      try {
        parseExpression(text);
      } catch (error) {
        assert.ok(error instanceof ExpressionError);
      }
    }),
  );
});

test('types are promoted as DALI documents', () => {
  const cases: [ElementType, ElementType, ElementType][] = [
    ['UINT8', 'UINT8', 'UINT8'],
    ['UINT8', 'INT8', 'INT16'],
    ['UINT8', 'INT32', 'INT32'],
    ['UINT32', 'INT32', 'INT64'],
    ['UINT64', 'INT8', 'INT64'],
    ['UINT16', 'UINT32', 'UINT32'],
    ['BOOL', 'UINT8', 'UINT8'],
    ['BOOL', 'BOOL', 'BOOL'],
    ['FLOAT16', 'INT64', 'FLOAT16'],
    ['FLOAT', 'FLOAT16', 'FLOAT'],
    ['FLOAT', 'FLOAT64', 'FLOAT64'],
  ];
  for (const [left, right, expected] of cases) {
    assert.equal(promote(left, right), expected, `${left} op ${right}`);
    assert.equal(promote(right, left), expected, `${right} op ${left}`);
  }
});

test('division by 255 gives float32, an integer constant is int32', async () => {
  const bytes = vector('UINT8', [0, 51, 255]);
  assert.deepEqual(await compute((fn, x) => fn.fdiv(x!, 255), bytes), {
    type: 'FLOAT',
    shape: [3],
    data: [0, Math.fround(0.2), 1],
  });
  assert.deepEqual(await compute((fn, x) => fn.mul(x!, 300), bytes), {
    type: 'INT32',
    shape: [3],
    data: [0, 15300, 76500],
  });
  assert.equal((await compute((fn, x) => fn.mul(x!, 0.5), bytes)).type, 'FLOAT');
});

test('integers wrap, divide towards zero, and take the sign of the dividend as remainder', async () => {
  const [a, b] = [vector('UINT8', [250, 3, 7]), vector('UINT8', [10, 5, 0])];
  assert.deepEqual((await compute((fn, x, y) => fn.add(x!, y!), a, b)).data, [4, 8, 7]);
  assert.deepEqual((await compute((fn, x, y) => fn.sub(x!, y!), a, b)).data, [240, 254, 7]);
  assert.deepEqual((await compute((fn, x, y) => fn.div(x!, y!), a, b)).data, [25, 0, 0], 'a zero divisor gives 0');
  const [c, d] = [vector('INT32', [-7, 7, -8]), vector('INT32', [2, -2, 3])];
  assert.deepEqual((await compute((fn, x, y) => fn.div(x!, y!), c, d)).data, [-3, -3, -2]);
  assert.deepEqual((await compute((fn, x, y) => fn.mod(x!, y!), c, d)).data, [-1, 1, -2]);
  const large = vector('INT32', [2_000_000_000, 123_456_789]);
  assert.deepEqual((await compute((fn, x) => fn.mul(x!, 3), large)).data, [
    Math.imul(2_000_000_000, 3),
    Math.imul(123_456_789, 3),
  ]);
});

test('64-bit integers are exact, and signs compare as they are', async () => {
  const [signed, unsigned] = [vector('INT64', [-1n, 2n ** 62n]), vector('UINT64', [2n ** 64n - 1n, 5n])];
  assert.deepEqual((await compute((fn, x) => fn.add(x!, 1), signed)).data, [0n, 2n ** 62n + 1n]);
  assert.deepEqual(await compute((fn, x, y) => fn.lt(x!, y!), signed, unsigned), {
    type: 'BOOL',
    shape: [2],
    data: [1, 0],
  });
  assert.deepEqual(
    (await compute((fn, x, y) => fn.gt(x!, y!), vector('INT32', [-1]), vector('UINT32', [1]))).data,
    [0],
  );
});

test('float functions of integers give float32', async () => {
  const x = vector('INT32', [4, 9]);
  assert.deepEqual(await compute((fn, v) => fn.sqrt(v!), x), { type: 'FLOAT', shape: [2], data: [2, 3] });
  assert.deepEqual(await compute((fn, v) => fn.floor(v!), vector('FLOAT', [1.7, -1.2])), {
    type: 'FLOAT',
    shape: [2],
    data: [1, -2],
  });
  assert.deepEqual((await compute((fn, v) => fn.clamp(v!, 5, 8), x)).data, [5, 8]);
  assert.deepEqual((await compute((fn, v) => fn.pow(v!, 3), x)).data, [64, 729]);
  assert.deepEqual((await compute((fn, v) => fn.bitand(v!, 5), x)).data, [4, 1]);
});

test('operands are broadcast from the last dimension', async () => {
  const image = {
    type: 'UINT8' as const,
    shape: [2, 2, 3],
    layout: 'HWC',
    samples: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  };
  const channel = { type: 'FLOAT' as const, shape: [3], samples: [[10, 20, 30]] };
  const [sum] = await runPipeline([image, channel], (fn, x, y) => fn.add(x!, y!));
  assert.deepEqual(sum!.samples[0], [11, 22, 33, 14, 25, 36, 17, 28, 39, 20, 31, 42]);
  const column = { type: 'FLOAT' as const, shape: [2, 1], samples: [[1, 2]] };
  const row = { type: 'FLOAT' as const, shape: [1, 3], samples: [[10, 20, 30]] };
  const [grid] = await runPipeline([column, row], (fn, x, y) => fn.add(x!, y!));
  assert.deepEqual(
    [grid!.shape, grid!.samples[0]],
    [
      [2, 3],
      [11, 21, 31, 12, 22, 32],
    ],
  );
});

test('operands that do not go together fail the sample', async () => {
  const [two, three] = [vector('FLOAT', [1, 2]), vector('FLOAT', [1, 2, 3])];
  await assert.rejects(
    compute((fn, x, y) => fn.add(x!, y!), two, three),
    /nvidia\.dali\.fn\.arithmetic_generic_op.*shapes \(2\) and \(3\) cannot be combined/s,
  );
  await assert.rejects(
    compute((fn, x) => fn.bitor(x!, 1), two),
    /does not take floating-point operands/,
  );
});
