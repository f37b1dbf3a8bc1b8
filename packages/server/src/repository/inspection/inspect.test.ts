import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { FakeLoader, FakeLog } from '../test-support/fake-loader.ts';
import { ensembleConfig, identityConfig, TemporaryRepository } from '../test-support/temporary-repository.ts';
import { inspectRepository } from './inspect.ts';
import { renderEnsembleGraph } from './render-graph.ts';
import type { InspectionOptions, RepositoryInspection } from './types.ts';

async function inspect(repository: TemporaryRepository, more: Partial<InspectionOptions> = {}) {
  const inspection = await inspectRepository([repository.path], { autoComplete: true, log: new FakeLog(), ...more });
  return { ...inspection, lines: printed(inspection, repository.path) };
}

/** `model/config.pbtxt:line:column: message`, as a reader of the check sees it. */
function printed({ problems }: RepositoryInspection, root: string): string[] {
  return problems.map(({ severity, file, line, column, message }) => {
    const place = line === undefined ? '' : `:${line}:${column}`;
    return `${severity} ${file.slice(root.length + 1)}${place}: ${message.replaceAll(root, '<root>')}`;
  });
}

const PIPELINE = `platform: "ensemble" max_batch_size: 4
input { name: "X" data_type: TYPE_FP32 dims: 4 }
output { name: "Y" data_type: TYPE_FP32 dims: 4 } output { name: "Z" data_type: TYPE_FP32 dims: 4 }
ensemble_scheduling {
  step { model_name: "last" model_version: 1
    input_map { key: "IN" value: "left" } output_map { key: "OUT" value: "Y" } }
  step { model_name: "first" model_version: -1
    input_map { key: "IN" value: "X" } output_map { key: "OUT" value: "left" } output_map { key: "EXTRA" value: "Z" } }
}`;

describe('the check of a repository', () => {
  it('finds nothing wrong with a good one and shows its graph', async () => {
    await using repository = await TemporaryRepository.create({
      'first/config.pbtxt': identityConfig('output { name: "EXTRA" data_type: TYPE_FP32 dims: -1 }'),
      'first/1/': '',
      'last/config.pbtxt': identityConfig(),
      'last/1/': '',
      'pipeline/config.pbtxt': PIPELINE,
      'pipeline/1/': '',
    });
    const loader = new FakeLoader();
    const { lines, goodModels, ensembles } = await inspect(repository, { loader });
    assert.deepEqual(lines, []);
    assert.deepEqual(goodModels, ['first', 'last', 'pipeline']);
    assert.deepEqual(loader.events, ['load first:1', 'unload first:1', 'load last:1', 'unload last:1']);
    assert.equal(ensembles.length, 1);
    assert.equal(
      renderEnsembleGraph(ensembles[0] as (typeof ensembles)[number]),
      [
        'ensemble pipeline (max_batch_size 4)',
        '  input   X            FP32 [-1,4]',
        '  step 1  first (latest)',
        '          X -> IN      FP32 [-1,4]',
        '          OUT -> left  FP32 [-1,4]',
        '          EXTRA -> Z   FP32 [-1,-1]',
        '  step 0  last (version 1)',
        '          left -> IN   FP32 [-1,4]',
        '          OUT -> Y     FP32 [-1,4]',
        '  output  Y            FP32 [-1,4]',
        '  output  Z            FP32 [-1,4]',
      ].join('\n'),
    );
  });

  it('reports every problem at once, each with its place in the text', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': `name: "modell"
backend: "identity"
max_batch_size: 2
input { name: "IN" data_type: TYPE_FP32 dims: [ 4, 0 ] }
output {
  name: "OUT"
  dims: 4
  label_filename: "nope.txt"
}
dynamic_batching { preferred_batch_size: [ 1, 8 ] default_priority_level: 3 priority_levels: 2
  priority_queue_policy { key: 7 value { max_queue_size: 1 } } }
instance_group [ { kind: KIND_CPU }, { kind: KIND_GPU } ]
version_policy { specific { versions: [ 1, 9 ] } }
`,
      'model/1/': '',
    });
    const { lines, goodModels } = await inspect(repository);
    assert.deepEqual(goodModels, []);
    const file = 'error model/config.pbtxt';
    assert.deepEqual(lines, [
      `${file}:1:1: unexpected directory name 'model' for model 'modell', directory name must equal model name`,
      `${file}:10:47: dynamic batching preferred size must be <= max batch size for modell`,
      `${file}:10:51: default priority level must be in range [1, 2] for modell`,
      `${file}:11:3: priority queue policy must have priority level in range [1, 2] for modell`,
      `${file}:4:52: model input 'IN' dimension must be integer >= 1, or -1 to indicate a variable-size dimension for modell`,
      `${file}:5:1: model output 'OUT' must specify 'data_type' for modell`,
      `${file}:12:40: instance group modell_1 of model modell has kind KIND_GPU but server does not support GPUs`,
      `${file}:13:1: version 9 is specified for model 'model', but the version directory is not present`,
      `${file}:8:3: failed to open text file for read <root>/model/nope.txt: No such file or directory`,
    ]);
  });

  it('reports text that cannot be read where it stands', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': 'name: "model"\nmax_batchsize: 4\n',
      'model/1/': '',
      'uses/config.pbtxt': ensembleConfig('model'),
      'uses/1/': '',
    });
    const { lines } = await inspect(repository);
    assert.deepEqual(lines, [
      'error model/config.pbtxt:2:14: Message type "inference.ModelConfig" has no field named "max_batchsize".',
      "error uses/config.pbtxt:3:30: ensemble 'uses' depends on 'model' which is not valid.",
    ]);
  });

  it('reports what is wrong between ensembles and their models, and shows what it knows of the graph', async () => {
    await using repository = await TemporaryRepository.create({
      'again/config.pbtxt': ensembleConfig('again', -1, { input: 'X', output: 'Y' }),
      'again/1/': '',
      'ensemble/config.pbtxt': `platform: "ensemble" max_batch_size: 4
input { name: "X" data_type: TYPE_INT32 dims: 4 } output { name: "Y" data_type: TYPE_FP32 dims: 5 }
ensemble_scheduling {
  step { model_name: "model" model_version: 3 input_map { key: "IN" value: "X" }
    output_map { key: "OUT" value: "middle" } }
  step { model_name: "nosuch" model_version: -1 input_map { key: "A" value: "middle" }
    output_map { key: "B" value: "other" } }
  step { model_name: "model" model_version: -1 input_map { key: "WRONG" value: "other" }
    output_map { key: "OUT" value: "Y" } }
}`,
      'ensemble/1/': '',
      'model/config.pbtxt': identityConfig(),
      'model/1/': '',
    });
    const { lines, ensembles } = await inspect(repository);
    const file = 'error ensemble/config.pbtxt';
    assert.deepEqual(lines, [
      'error again/config.pbtxt:3:1: circular dependency between ensembles: again -> ... -> again -> again',
      `${file}:4:30: ensemble 'ensemble' depends on 'model' whose required version 3 is not loaded.`,
      `${file}:6:10: ensemble ensemble contains models that are not available or ambiguous: nosuch`,
      `${file}:4:47: in ensemble ensemble, ensemble tensor X: inconsistent data type: TYPE_INT32 is inferred from model ensemble while TYPE_FP32 is inferred from model model`,
      `${file}:8:48: in ensemble ensemble, ensemble tensor other is mapping to non-existing input WRONG in model model`,
      `${file}:8:48: in ensemble ensemble, input IN in model model is not mapped to any ensemble tensors`,
      `${file}:9:5: in ensemble ensemble, ensemble tensor Y: inconsistent shape: [-1,5] is inferred from model ensemble while [-1,4] is inferred from model model`,
    ]);
    const graph = ensembles.find(({ name }) => name === 'ensemble');
    assert.deepEqual(
      graph?.steps.map((step) => step.model),
      ['model', 'nosuch', 'model'],
    );
    assert.deepEqual(graph?.steps[1]?.inputs, [{ port: 'A', tensor: 'middle', dataType: 'FP32', shape: [-1n, 4n] }]);
    assert.deepEqual(graph?.steps[1]?.outputs, [{ port: 'B', tensor: 'other', dataType: undefined, shape: undefined }]);
  });

  it('asks the backend only where nothing is wrong yet', async () => {
    await using repository = await TemporaryRepository.create({
      'bad/config.pbtxt': identityConfig(
        'optimization { graph { level: 1 } } instance_group { gpus: 0 kind: KIND_CPU }',
      ),
      'bad/1/': '',
      'fails/config.pbtxt': identityConfig(),
      'fails/1/': '',
      'io/config.pbtxt': 'backend: "identity"\ninput { name: "A" data_type: TYPE_FP32 }',
      'io/1/': '',
    });
    const loader = new FakeLoader();
    loader.failures.set('fails', new StatusError('INTERNAL', 'no such luck'));
    const { lines } = await inspect(repository, { loader });
    assert.deepEqual(lines, [
      'error bad/config.pbtxt:2:156: instance group bad_0 of model bad has kind KIND_CPU but specifies one or more GPUs',
      'error fails/config.pbtxt: version 1: no such luck',
      "error io/config.pbtxt:2:1: model input 'A' must specify 'dims' for io",
    ]);
  });

  it('finds the place in the text of what a backend finds wrong', async () => {
    const text = `backend: "x" default_model_filename: "other.onnx"
input { name: "A" data_type: TYPE_FP32 dims: 4 }
output { name: "A" data_type: TYPE_FP32 dims: 4 }
parameters { key: "threads" value { string_value: "lots" } }`;
    const cases: readonly (readonly [string, string])[] = [
      [
        "unable to load model 'm', configuration expects datatype TYPE_FP32 for input 'A', model provides BOOL",
        ':2:19',
      ],
      [
        "unable to load model 'm', configuration expects datatype TYPE_FP32 for output 'A', model provides BOOL",
        ':3:20',
      ],
      ["model 'm', tensor 'A': the model expects 2 dimensions (shape [-1,5])", ':2:40'],
      ["unexpected inference input 'A', allowed inputs are: B", ':2:9'],
      ['failed to stat file /r/m/1/other.onnx', ':1:14'],
      ["unable to find backend library for backend 'x', try specifying runtime on the model configuration.", ':1:1'],
      ["failed to convert 'lots' to integral number", ':4:1'],
      ['Protobuf parsing failed.', ''],
    ];
    for (const [message, place] of cases) {
      await using repository = await TemporaryRepository.create({ 'm/config.pbtxt': text, 'm/1/': '' });
      const loader = new FakeLoader();
      loader.failures.set('m', new StatusError('INVALID_ARG', message));
      const { lines } = await inspect(repository, { loader });
      assert.deepEqual(lines, [`error m/config.pbtxt${place}: version 1: ${message}`]);
    }
  });

  it('says what is wrong with a repository itself', async () => {
    await using repository = await TemporaryRepository.create({ file: '', 'a/m/1/': '', 'b/m/1/': '' });
    const paths = ['nothing', 'file', 'a', 'b'].map((name) => `${repository.path}/${name}`);
    const { problems } = await inspectRepository(paths, { autoComplete: true, log: new FakeLog() });
    assert.deepEqual(
      problems.map(({ message }) => message.replaceAll(repository.path, '<root>')),
      [
        'failed to stat file <root>/nothing',
        'repository path is not a valid directory',
        "failed to poll model 'm': not unique across all model repositories",
        "failed to poll model 'm': not unique across all model repositories",
        "Invalid model name: Could not determine backend for model 'm' with no backend in model configuration. Expected model name of the form 'model.<backend_name>'.",
      ],
    );
  });

  it('says what a misspelled name may have been meant to be', async () => {
    await using repository = await TemporaryRepository.create({
      'first/config.pbtxt': identityConfig(),
      'first/1/': '',
      'fields/config.pbtxt': 'max_batchsize: 1\ninput { name: "a" data_type: TYPE_INT_32 }\nstep { }\nqwertz: 1',
      'platform/config.pbtxt': 'platform: "onnxruntime" max_batch_size: 1',
      'platform/1/': '',
      'tensors/config.pbtxt': PIPELINE.replace('"last"', '"first"').replace('"OUT" value: "Y"', '"OUTT" value: "Y"'),
      'tensors/1/': '',
      'models/config.pbtxt': PIPELINE.replace('"first"', '"frist"'),
      'models/1/': '',
    });
    const { problems } = await inspect(repository);
    const hints = problems.map(
      ({ model, message, hint }) => `${model}: ${/"?([\w]+)"?\.?$/.exec(message)?.[1]} ${hint}`,
    );
    const has = (...expected: string[]) => {
      for (const line of expected) assert.ok(hints.includes(line), `${line} is not in\n${hints.join('\n')}`);
    };
    has('fields: max_batchsize did you mean "max_batch_size"?', 'fields: data_type did you mean "TYPE_INT32"?');
    has('fields: qwertz undefined', 'platform: platform did you mean "onnxruntime_onnx"?');
    has('tensors: first did you mean "OUT"?', 'models: frist did you mean "first"?');
  });
});
