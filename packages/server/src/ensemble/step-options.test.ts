import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import fc from 'fast-check';
import { toyModel } from '../core/test-support/configs.ts';
import { failureOf, makeRequest, send, startCore, type TestCore } from '../core/test-support/harness.ts';
import { int32Tensor, readInt32, settled } from '../core/test-support/toy-backend.ts';
import { Cancellation } from '../inference/index.ts';

interface Step {
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

interface Options {
  readonly maxBatchSize?: number;
  /** `NAME TYPE DIMS`, with a `?` behind the name of an optional one. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** `step.<n>.<option>` -> value. */
  readonly parameters: Readonly<Record<string, string>>;
}

function ensemble(name: string, steps: readonly Step[], { maxBatchSize = 0, inputs, outputs, parameters }: Options) {
  const tensor = (kind: string) => (text: string) => {
    const [tensorName = '', type = 'INT32', dims = '-1'] = text.split(' ');
    const optional = tensorName.endsWith('?') ? 'optional: true' : '';
    return `${kind} { name: "${tensorName.replace('?', '')}" data_type: TYPE_${type} dims: [ ${dims} ] ${optional} }`;
  };
  const map = (kind: string, entries: Readonly<Record<string, string>>) =>
    Object.entries(entries).map(([key, value]) => `${kind} { key: "${key}" value: "${value}" }`);
  const stepTexts = steps.map(
    (step) =>
      `step { model_name: "${step.model}" model_version: -1 ${[...map('input_map', step.inputs), ...map('output_map', step.outputs)].join(' ')} }`,
  );
  const parameterTexts = Object.entries(parameters).map(
    ([key, value]) => `parameters { key: "${key}" value { string_value: "${value}" } }`,
  );
  return [
    `name: "${name}" platform: "ensemble" max_batch_size: ${maxBatchSize}`,
    ...inputs.map(tensor('input')),
    ...outputs.map(tensor('output')),
    `ensemble_scheduling { ${stepTexts.join(' ')} }`,
    ...parameterTexts,
  ].join('\n');
}

function bool(name: string, ...values: boolean[]): Tensor {
  return { name, dataType: 'BOOL', shape: [values.length], data: Uint8Array.from(values, Number) };
}

const PLAIN = toyModel('plain', { maxBatchSize: 0 });
const OTHER = toyModel('other', { maxBatchSize: 0 });
const values = (core: TestCore['core'], request: ReturnType<typeof makeRequest>) => {
  const answers = send(core, request);
  assert.equal(answers.finals, 1);
  const [response] = answers.responses;
  assert.equal(response?.error, undefined);
  return Object.fromEntries(response!.outputs.map((tensor) => [tensor.name, readInt32(tensor)]));
};
const failure = async (config: string, ...models: string[]) => {
  const { store } = await startCore([...models, config]);
  return [...store.failures.values()].map(({ code, message }) => `${code} ${message}`).join('\n');
};

/** X -> plain -> Y; HINT -> other -> Z, skipped without HINT; Z -> plain -> W behind it. */
const OPTIONAL_BRANCH = ensemble(
  'e',
  [
    { model: 'plain', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'Y' } },
    { model: 'other', inputs: { INPUT0: 'HINT' }, outputs: { OUTPUT0: 'Z' } },
    { model: 'plain', inputs: { INPUT0: 'Z' }, outputs: { OUTPUT0: 'W' } },
  ],
  { inputs: ['X', 'HINT?'], outputs: ['Y', 'W'], parameters: { 'step.1.skip_if_absent': 'HINT' } },
);

test('a step is skipped when an optional tensor is absent, and what needs its outputs with it', async () => {
  const { backend, core } = await startCore([PLAIN, OTHER, OPTIONAL_BRANCH]);
  const x = int32Tensor('X', [1], [7]);
  assert.deepEqual(values(core, makeRequest('e', [x])), { Y: [7] });
  assert.deepEqual(
    backend.executions.map(({ model }) => model),
    ['plain'],
  );
  assert.deepEqual(values(core, makeRequest('e', [x, int32Tensor('HINT', [1], [9])])), { Y: [7], W: [9] });
  const [skipped] = core.statistics('other', 1);
  assert.equal(skipped?.inferenceCount, 1);
});

test('without the option an absent tensor fails the step, as in Triton', async () => {
  const { core } = await startCore([PLAIN, OTHER, OPTIONAL_BRANCH.replace(/parameters.*/, '')]);
  assert.match(
    failureOf(core, makeRequest('e', [int32Tensor('X', [1], [7])])),
    /^answered INVALID_ARG in ensemble 'e', .*expected 1 inputs but got 0 inputs for model 'other'/,
  );
});

/** FLAG decides which of two models makes the part of OUT that is there. */
const BRANCHES = ensemble(
  'e',
  [
    { model: 'plain', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'YES' } },
    { model: 'other', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'NO' } },
    { model: 'merge', inputs: { INPUT0: 'YES', INPUT1: 'NO' }, outputs: { OUTPUT0: 'A', OUTPUT1: 'B' } },
  ],
  {
    inputs: ['X', 'FLAG? BOOL'],
    outputs: ['A', 'B'],
    parameters: { 'step.0.run_if': 'FLAG', 'step.1.run_if': '! FLAG' },
  },
);
const MERGE = toyModel('merge', {
  maxBatchSize: 0,
  inputs: ['INPUT0?', 'INPUT1?'],
  outputs: ['OUTPUT0', 'OUTPUT1'],
});

test('a step runs only when a boolean tensor says so; a step with optional inputs brings branches together', async () => {
  const { backend, core } = await startCore([PLAIN, OTHER, MERGE, BRANCHES]);
  const x = int32Tensor('X', [1], [7]);
  assert.deepEqual(values(core, makeRequest('e', [x, bool('FLAG', true)])), { A: [7] });
  assert.deepEqual(values(core, makeRequest('e', [x, bool('FLAG', false)])), { B: [7] });
  assert.deepEqual(values(core, makeRequest('e', [x])), { B: [7] });
  assert.deepEqual(
    backend.executions.map(({ model }) => model),
    ['plain', 'merge', 'other', 'merge', 'other', 'merge'],
  );
  assert.equal(
    failureOf(core, makeRequest('e', [x, bool('FLAG', true, false)])),
    "answered INVALID_ARG in ensemble 'e', tensor 'FLAG' decides whether a step runs and must say the same for the whole batch; send the items as requests of their own",
  );
});

test('a step waits for a condition that another step computes', async () => {
  const decide = `name: "decide" backend: "toy" max_batch_size: 0 input { name: "INPUT0" data_type: TYPE_BOOL dims: [ -1 ] }
    output { name: "OUTPUT0" data_type: TYPE_BOOL dims: [ -1 ] } parameters { key: "hold" value { string_value: "yes" } }`;
  const { backend, core } = await startCore([
    PLAIN,
    decide,
    ensemble(
      'e',
      [
        { model: 'plain', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'Y' } },
        { model: 'decide', inputs: { INPUT0: 'F' }, outputs: { OUTPUT0: 'flag' } },
      ],
      { inputs: ['X', 'F BOOL'], outputs: ['Y'], parameters: { 'step.0.run_if': 'flag' } },
    ),
  ]);
  const answers = send(core, makeRequest('e', [int32Tensor('X', [1], [7]), bool('F', true)]));
  assert.deepEqual(
    backend.executions.map(({ model }) => model),
    ['decide'],
  );
  await backend.releaseNext();
  assert.equal(answers.finals, 1);
  assert.deepEqual(readInt32(answers.responses[0]!.outputs[0]!), [7]);
});

/** Items of two numbers each, added and subtracted. */
const ADD_SUB = (maxBatchSize: number) =>
  toyModel('classify', {
    behaviour: 'add_sub',
    maxBatchSize,
    dims: '2',
    inputs: ['INPUT0', 'INPUT1'],
    outputs: ['OUTPUT0', 'OUTPUT1'],
  });
const mapped = (maxBatchSize: number, more: Partial<Options> = {}) =>
  ensemble(
    'e',
    [
      {
        model: 'classify',
        inputs: { INPUT0: 'CROPS', INPUT1: 'BOXES' },
        outputs: { OUTPUT0: 'SUM', OUTPUT1: 'DIFFERENCE' },
      },
    ],
    {
      maxBatchSize,
      inputs: ['CROPS INT32 -1,2', 'BOXES INT32 -1,2'],
      outputs: ['SUM INT32 -1,2', 'DIFFERENCE INT32 -1,2'],
      parameters: { 'step.0.map': 'CROPS, BOXES' },
      ...more,
    },
  );

test('a step maps over items: batches where the model takes them, requests of their own where not', async () => {
  for (const [limit, sizes] of [
    [2, [2, 2, 1]],
    [0, [1, 1, 1, 1, 1]],
  ] as const) {
    const { backend, core } = await startCore([ADD_SUB(limit), mapped(0)]);
    const crops = int32Tensor('CROPS', [5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const boxes = int32Tensor('BOXES', [5, 2], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    const [response] = send(core, makeRequest('e', [crops, boxes])).responses;
    assert.deepEqual(
      response?.outputs.map(({ name, shape }) => [name, shape]),
      [
        ['SUM', [5, 2]],
        ['DIFFERENCE', [5, 2]],
      ],
    );
    assert.deepEqual(readInt32(response!.outputs[0]!), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    assert.deepEqual(readInt32(response!.outputs[1]!), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(
      backend.executions.map(({ batchSize }) => batchSize),
      sizes,
    );
  }
});

test('no items make an empty answer and no execution', async () => {
  const { backend, core } = await startCore([ADD_SUB(2), mapped(0)]);
  const none = (name: string) => int32Tensor(name, [0, 2], []);
  const [response] = send(core, makeRequest('e', [none('CROPS'), none('BOXES')])).responses;
  assert.deepEqual(
    response?.outputs.map(({ shape }) => shape),
    [
      [0, 2],
      [0, 2],
    ],
  );
  assert.equal(backend.executions.length, 0);
});

test('an input that is not mapped is the same for every item of its row', async () => {
  const config = mapped(4, {
    inputs: ['CROPS INT32 -1,2', 'BOXES INT32 2'],
    parameters: { 'step.0.map': 'CROPS' },
  });
  for (const limit of [3, 0]) {
    const { core } = await startCore([ADD_SUB(limit), config]);
    const crops = int32Tensor('CROPS', [2, 3, 2], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    const boxes = int32Tensor('BOXES', [2, 2], [10, 20, 30, 40]);
    const [response] = send(core, makeRequest('e', [crops, boxes])).responses;
    assert.deepEqual(response?.outputs[0]?.shape, [2, 3, 2]);
    assert.deepEqual(readInt32(response!.outputs[0]!), [11, 21, 12, 22, 13, 23, 34, 44, 35, 45, 36, 46]);
  }
});

test('a mapped step that fails, is refused or cancelled answers once', async () => {
  const { core } = await startCore([toyModel('classify', { behaviour: 'fail', dims: '2' }), single('classify')]);
  const crops = int32Tensor('CROPS', [20, 2], new Array(40).fill(1));
  assert.equal(failureOf(core, makeRequest('e', [crops])), "answered INTERNAL in ensemble 'e', the toy model failed");

  const held = await startCore([toyModel('classify', { hold: true, dims: '2', maxBatchSize: 1 }), single('classify')]);
  const cancellation = new Cancellation();
  const answers = send(held.core, makeRequest('e', [crops], { cancellation }));
  await held.backend.releaseNext();
  cancellation.cancel();
  await held.backend.releaseAll();
  await settled();
  assert.equal(answers.finals, 1);
  assert.equal(answers.responses[0]?.error?.code, 'CANCELLED');
  assert.ok(held.backend.executions.length <= 3);
  assert.equal(held.core.inflightCount(), 0);
});

test('mapped tensors must have the same number of items', async () => {
  const { core } = await startCore([ADD_SUB(2), mapped(0)]);
  const crops = int32Tensor('CROPS', [2, 2], [1, 1, 1, 1]);
  const boxes = int32Tensor('BOXES', [1, 2], [1, 1]);
  assert.equal(
    failureOf(core, makeRequest('e', [crops, boxes])),
    "answered INVALID_ARG in ensemble 'e', the tensors that step 0 maps over have different numbers of items: 2 and 1",
  );
});

function single(model: string): string {
  return ensemble('e', [{ model, inputs: { INPUT0: 'CROPS' }, outputs: { OUTPUT0: 'OUT' } }], {
    inputs: ['CROPS INT32 -1,2'],
    outputs: ['OUT INT32 -1,2'],
    parameters: { 'step.0.map': 'CROPS' },
  });
}

test('what cannot work is refused when the ensemble is loaded', async () => {
  const steps: Step[] = [{ model: 'plain', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'Y' } }];
  const options = (parameters: Record<string, string>) => ({ inputs: ['X'], outputs: ['Y'], parameters });
  const refusal = (parameters: Record<string, string>) => failure(ensemble('e', steps, options(parameters)), PLAIN);
  assert.equal(
    await refusal({ 'step.0.skip': 'X' }),
    "INVALID_ARG parameter 'step.0.skip' is not step.<number>.<option> with one of the options skip_if_absent, run_if, map in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.1.run_if': 'X' }),
    "INVALID_ARG parameter 'step.1.run_if' is for step 1, but there are 1 steps in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.0.map': ' , ' }),
    "INVALID_ARG 'map' of step 0 (model 'plain') must name an ensemble tensor, got ' , ' in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.0.map': 'Y' }),
    "INVALID_ARG 'map' of step 0 (model 'plain') names tensor 'Y', which is not in the step's input_map in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.0.run_if': '!Q' }),
    "INVALID_ARG 'run_if' of step 0 (model 'plain') names tensor 'Q', which nothing writes in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.0.skip_if_absent': 'X' }),
    "INVALID_ARG 'skip_if_absent' of step 0 (model 'plain') names tensor 'X', which is always there: it is no optional input, and no step before it can be skipped in ensemble 'e'",
  );
  assert.equal(
    await refusal({ 'step.0.run_if': 'X' }),
    "INVALID_ARG in ensemble e, 'run_if' of step 0 needs a tensor of type TYPE_BOOL, but 'X' is TYPE_INT32",
  );
  assert.match(
    await refusal({ 'step.0.map': 'X' }),
    /^INVALID_ARG in ensemble e, ensemble tensor X: inconsistent shape/,
  );
  // A step whose own output decides whether it runs is a cycle.
  const flag = { model: 'flag', inputs: { INPUT0: 'X' }, outputs: { OUTPUT0: 'Y' } };
  const types = { inputs: ['X BOOL'], outputs: ['Y BOOL'], parameters: { 'step.0.run_if': 'Y' } };
  assert.match(
    await failure(ensemble('e', [flag], types), toyModel('flag', { maxBatchSize: 0, dataType: 'TYPE_BOOL' })),
    /^INVALID_ARG output 'Y' for ensemble 'e' is not written/,
  );
});

test('a decoupled or sequence model cannot be mapped', async () => {
  const more = (text: string) => toyModel('classify', { dims: '2', more: text });
  assert.equal(
    await failure(single('classify'), more('model_transaction_policy { decoupled: true }')),
    "INVALID_ARG in ensemble e, step 0 cannot map over 'CROPS': model 'classify' is decoupled",
  );
  assert.equal(
    await failure(single('classify'), more('sequence_batching { direct { } }')),
    "INVALID_ARG in ensemble e, step 0 cannot map over 'CROPS': model 'classify' uses sequence batching",
  );
});

test('property: mapping gives what asking for each item gives, whatever the batch limit', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 0, max: 5 }),
    fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    fc.integer({ min: 0, max: 70 }),
    async (limit, rows, items) => {
      const { core } = await startCore([ADD_SUB(limit), mapped(rows === undefined ? 0 : 3)]);
      const count = 2 * items * (rows ?? 1);
      const shape = rows === undefined ? [items, 2] : [rows, items, 2];
      const given = (name: string, scale: number) =>
        int32Tensor(
          name,
          shape,
          Array.from({ length: count }, (_, index) => index * scale),
        );
      const answers = send(core, makeRequest('e', [given('CROPS', 1), given('BOXES', 1000)]));
      while (answers.finals === 0) await settled();
      const [response] = answers.responses;
      assert.deepEqual(response?.outputs[0]?.shape, shape);
      assert.deepEqual(
        readInt32(response!.outputs[0]!),
        Array.from({ length: count }, (_, index) => index * 1001),
      );
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('property: random chains of conditional steps run exactly the steps whose condition holds', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.record({ flag: fc.boolean(), negated: fc.boolean() }), { minLength: 1, maxLength: 8 }),
    async (chain) => {
      const steps = chain.map((_, index) => ({
        model: 'plain',
        inputs: { INPUT0: 'X' },
        outputs: { OUTPUT0: `Y${index}` },
      }));
      const parameters = Object.fromEntries(
        chain.map(({ negated }, index) => [`step.${index}.run_if`, `${negated ? '!' : ''}F${index}`]),
      );
      const config = ensemble('e', steps, {
        inputs: ['X', ...chain.map((_, index) => `F${index} BOOL`)],
        outputs: chain.map((_, index) => `Y${index}`),
        parameters,
      });
      const { backend, core } = await startCore([PLAIN, config]);
      const flags = chain.map(({ flag }, index) => bool(`F${index}`, flag));
      const outputs = values(core, makeRequest('e', [int32Tensor('X', [1], [3]), ...flags]));
      const expected = chain.flatMap(({ flag, negated }, index) => (flag === negated ? [] : [`Y${index}`]));
      assert.deepEqual(Object.keys(outputs), expected);
      assert.equal(backend.executions.length, expected.length);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});
