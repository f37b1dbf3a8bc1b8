import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelConfig } from '@nereid/protocol/model-config';
import fc from 'fast-check';
import { type EnsembleContext, inspectEnsemble, validateEnsemble } from './ensemble.ts';
import { ensembleProblems } from './rules/ensemble.ts';
import { parseModelConfigText } from './text/parser.ts';

interface Step {
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

function tensors(kind: string, names: readonly string[], type = 'FP32', dims = '4'): string {
  return names.map((name) => `${kind} { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] }`).join(' ');
}

function map(kind: string, entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${kind} { key: ${JSON.stringify(key)} value: ${JSON.stringify(value)} }`)
    .join(' ');
}

function ensemble(
  inputs: readonly string[],
  outputs: readonly string[],
  steps: readonly Step[],
  more = '',
): ModelConfig {
  const printed = steps.map(
    (step) =>
      `step { model_name: "${step.model}" model_version: -1 ${map('input_map', step.inputs)} ${map('output_map', step.outputs)} }`,
  );
  return parseModelConfigText(
    `name: "e" platform: "ensemble" ${tensors('input', inputs)} ${tensors('output', outputs)} ensemble_scheduling { ${printed.join(' ')} } ${more}`,
  );
}

function model(text: string, inputs = ['I'], outputs = ['O']): ModelConfig {
  return parseModelConfigText(`${tensors('input', inputs)} ${tensors('output', outputs)} ${text}`);
}

const step = (name: string, from: string, to: string): Step => ({
  model: name,
  inputs: { I: from },
  outputs: { O: to },
});
const staticProblems = (config: ModelConfig) => [...ensembleProblems(config)].map((problem) => problem.message);

describe('an ensemble by itself', () => {
  it('may be any graph without cycles, its steps in any order', () => {
    const diamond = [
      step('d', 'left', 'Y'),
      step('l', 'top', 'left'),
      step('r', 'top', 'right'),
      step('t', 'X', 'top'),
    ];
    assert.deepEqual(staticProblems(ensemble(['X'], ['Y', 'right'], diamond)), []);
  });

  it('must use what it has and make what it promises', () => {
    assert.deepEqual(staticProblems(ensemble(['X', 'U'], ['Y', 'Z'], [step('a', 'X', 'Y'), step('b', 'X', 'over')])), [
      "ensemble input 'U' for ensemble e' is not used",
      "ensemble output 'Z' for ensemble e' is not used",
      "ensemble tensor 'over' is unused in ensemble 'e'",
    ]);
    assert.deepEqual(
      staticProblems(ensemble(['X'], ['Y'], [{ model: 'a', inputs: { I: 'X', J: 'ghost' }, outputs: { O: 'Y' } }])),
      [
        "output 'Y' for ensemble 'e' is not written: at least one of its depending tensors, 'ghost', is not connected",
        "ensemble tensor 'ghost' is unused in ensemble 'e'",
      ],
    );
  });

  it('must not run in circles', () => {
    const found = staticProblems(
      ensemble(
        ['X'],
        ['Y'],
        [{ model: 'a', inputs: { I: 'X', J: 'b' }, outputs: { O: 'a' } }, step('b', 'a', 'b'), step('c', 'a', 'Y')],
      ),
    );
    assert.equal(
      found[0],
      "output 'Y' for ensemble 'e' is not written: at least one of its depending tensors, 'b', is not connected",
    );
    assert.match(
      staticProblems(ensemble(['X'], ['Y'], [step('a', 'Y', 'Y'), step('b', 'X', 'z')]))[0] ?? '',
      /output 'Y' for ensemble 'e' is not written/,
    );
  });

  it('must name models and maps, and write each tensor once', () => {
    assert.deepEqual(
      staticProblems(
        ensemble(['X'], ['Y'], [step('', 'X', 'Y'), { model: 'b', inputs: {}, outputs: {} }, step('c', 'X', 'Y')]),
      ),
      [
        "must specify 'model_name' in step 0 of ensemble 'e'",
        "must specify 'input_map' in step 1 of ensemble 'e'",
        "must specify 'output_map' in step 1 of ensemble 'e'",
        "ensemble tensor 'Y' can appear in an output map only once for ensemble 'e' step 2",
      ],
    );
  });

  it('has no instances, no optimisation, no warm-up', () => {
    assert.deepEqual(
      staticProblems(ensemble(['X'], ['Y'], [], 'instance_group { } optimization { } model_warmup { }')),
      [
        "instance group should not be specified for ensemble 'e'",
        "optimization should not be specified for ensemble 'e'",
        "model_warmup can not be specified for ensemble 'e'",
        "must specify 'step' for ensemble 'e'",
      ],
    );
    assert.deepEqual(staticProblems(parseModelConfigText('name: "e" platform: "ensemble"')), [
      'ensemble scheduling must be set for ensemble e whose platform is ensemble',
    ]);
    assert.deepEqual(staticProblems(ensemble(['X'], ['Y'], [step('a', 'X', 'Y')], '')), []);
  });

  it('takes a hundred thousand steps and wide steps in a moment', () => {
    const chain = Array.from({ length: 50_000 }, (_, index) =>
      step('m', index === 0 ? 'X' : `t${index - 1}`, `t${index}`),
    );
    assert.deepEqual(staticProblems(ensemble(['X'], ['t49999'], chain)), []);
    const wide = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`p${index}`, `${prefix}${index}`]));
    const found = staticProblems(
      ensemble(
        ['X'],
        ['o7'],
        [
          { model: 'm', inputs: { ...wide('i'), x: 'X' }, outputs: wide('o') },
          { model: 'n', inputs: wide('o'), outputs: wide('i') },
        ],
      ),
    );
    assert.match(found[0] ?? '', /^output 'o7' for ensemble 'e' is not written/);
  });

  it('may call its tensors anything', () => {
    const names = fc.constantFrom('__proto__', 'constructor', 'X', 'Y', 'toString', '');
    const maps = fc.dictionary(names, names, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
    const steps = fc.array(fc.record({ model: fc.constant('m'), inputs: maps, outputs: maps }), { maxLength: 4 });
    fc.assert(fc.property(steps, (list) => void staticProblems(ensemble(['X', '__proto__'], ['Y'], list))));
  });
});

function context(config: ModelConfig, models: Readonly<Record<string, ModelConfig>>): EnsembleContext {
  const steps = config.schedulingChoice.case === 'ensembleScheduling' ? config.schedulingChoice.value.step : [];
  return {
    id: 'e',
    config,
    models: steps.map(({ modelName: id }) => (models[id] ? { id, config: models[id] } : undefined)),
  };
}

const problems = (found: EnsembleContext) => inspectEnsemble(found).problems.map((problem) => problem.message);

describe('an ensemble and its models', () => {
  it('agree on names, batch size, data types and shapes', () => {
    const config = ensemble(
      ['X'],
      ['Y'],
      [
        { model: 'a', inputs: { WRONG: 'X' }, outputs: { O: 't', NOPE: 'u' } },
        { model: 'b', inputs: { I: 't' }, outputs: { O: 'v' } },
        { model: 'c', inputs: { I: 'v' }, outputs: { O: 'Y' } },
      ],
    );
    config.maxBatchSize = 8;
    const models = {
      a: model('max_batch_size: 8'),
      b: parseModelConfigText(`max_batch_size: 4 ${tensors('input', ['I'], 'INT32')} ${tensors('output', ['O'])}`),
      c: parseModelConfigText(
        `max_batch_size: 8 ${tensors('input', ['I'], 'FP32', '4, 1')} ${tensors('output', ['O'])}`,
      ),
    };
    const found = context(config, models);
    assert.deepEqual(problems(found), [
      'in ensemble e, ensemble tensor X is mapping to non-existing input WRONG in model a',
      'in ensemble e, input I in model a is not mapped to any ensemble tensors',
      'in ensemble e, ensemble tensor u is mapped from non-existing output NOPE in model a',
      'ensemble e allows maximum batch size 8, but it contains model b which only allows maximum batch size to be 4',
      'in ensemble e, ensemble tensor t: inconsistent data type: TYPE_FP32 is inferred from model a while TYPE_INT32 is inferred from model b',
      'in ensemble e, ensemble tensor v: inconsistent shape: [-1,4] is inferred from model b while [-1,4,1] is inferred from model c',
    ]);
    assert.throws(
      () => validateEnsemble(found),
      /^StatusError: in ensemble e, ensemble tensor X is mapping to non-existing input WRONG in model a$/,
    );
  });

  it('may mix models with and without a batch dimension, and leave optional inputs and any outputs out', () => {
    const config = ensemble(['X'], ['Y'], [step('batching', 'X', 't'), step('plain', 't', 'Y')]);
    config.maxBatchSize = 2;
    const plain = parseModelConfigText(
      `${tensors('input', ['I'], 'FP32', '-1, 4')} ${tensors('output', ['O', 'MORE'], 'FP32', '-1, 4')} input { name: "P" data_type: TYPE_FP32 dims: 1 optional: true }`,
    );
    const found = context(config, { batching: model('max_batch_size: 4'), plain });
    assert.deepEqual(problems(found), []);
    validateEnsemble(found);
    assert.equal(config.modelTransactionPolicy?.decoupled, false);
  });

  it('are decoupled when a step is, and must not join two streams of responses', () => {
    const decoupled = model('model_transaction_policy { decoupled: true }');
    const chain = ensemble(['X'], ['Y'], [step('d', 'X', 't'), step('m', 't', 'Y')]);
    validateEnsemble(context(chain, { d: decoupled, m: model('') }));
    assert.equal(chain.modelTransactionPolicy?.decoupled, true);
    const join = { model: 'j', inputs: { I: 't', J: 'u' }, outputs: { O: 'Y' } };
    const two = context(ensemble(['X'], ['Y'], [step('d', 'X', 't'), step('d', 'X', 'u'), join]), {
      d: decoupled,
      j: model('', ['I', 'J']),
    });
    assert.deepEqual(problems(two), [
      "in ensemble e, step of model 'e' receives inputs originated from different decoupled models",
    ]);
    const behind = context(
      ensemble(
        ['X'],
        ['Y'],
        [step('d', 'X', 't'), step('d', 'X', 'u'), { ...join, outputs: { O: 'v' } }, step('m', 'v', 'Y')],
      ),
      { d: decoupled, j: model('', ['I', 'J']), m: model('') },
    );
    assert.deepEqual(problems(behind), [
      "in ensemble e, step of model 'j' receives inputs originated from different decoupled models",
    ]);
    const ends = context(ensemble(['X'], ['Y', 'Z'], [step('d', 'X', 'Y'), step('m', 'X', 'Z')]), {
      d: decoupled,
      m: model(''),
    });
    assert.deepEqual(problems(ends), [
      "in ensemble e, step of model 'e' receives inputs originated from different decoupled models",
    ]);
    const one = context(
      ensemble(['X'], ['Y', 'Z'], [{ model: 'd', inputs: { I: 'X' }, outputs: { O: 'Y', P: 'Z' } }]),
      { d: { ...decoupled, output: model('', [], ['O', 'P']).output } },
    );
    assert.deepEqual(problems(one), []);
  });
});
