import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Model } from '@nereid/onnx';
import { StatusError } from '@nereid/protocol';
import { modelConfigToJson } from '../../config/index.ts';
import type { BackendModel } from '../../inference/index.ts';
import {
  batchOf,
  configured,
  int32,
  int32Values,
  loadContext,
  outputsOf,
  request,
} from '../batch/test-support/requests.ts';
import { OnnxRuntimeBackend, SharedRuntime } from './index.ts';
import { accumulator, addSub, identities, versionDirectory, withDefault } from './test-support/models.ts';

const runtime = new SharedRuntime({ intraOpThreads: 1 });
const backend = new OnnxRuntimeBackend(runtime);
const root = mkdtempSync(path.join(tmpdir(), 'nereid-onnx-backend-'));
after(async () => {
  await runtime.close();
  rmSync(root, { recursive: true });
});

const IO = ['INPUT0', 'INPUT1'].map((name) => `input { name: "${name}" data_type: TYPE_INT32 dims: [ 4 ] }`).join('\n');
const OUTPUTS = ['OUTPUT0', 'OUTPUT1']
  .map((name) => `output { name: "${name}" data_type: TYPE_INT32 dims: [ 4 ] }`)
  .join('\n');
const HEAD = 'name: "m" platform: "onnxruntime_onnx" backend: "onnxruntime"';
const ADD_SUB = `${HEAD} max_batch_size: 8 ${IO} ${OUTPUTS}`;

interface Loaded {
  readonly model: BackendModel;
  readonly signature: ReturnType<typeof configured>['signature'];
  readonly lines: string[];
}

async function load(text: string, model: Model | Uint8Array = addSub(), file = 'model.onnx'): Promise<Loaded> {
  const { config, signature } = configured(text);
  const { context, lines } = loadContext(config, versionDirectory(root, { [file]: model }));
  return { model: await backend.load(context, signature), signature, lines };
}

async function refuses(text: string, message: string | RegExp, model?: Model | Uint8Array): Promise<void> {
  await assert.rejects(load(text, model), (error) => {
    assert.ok(error instanceof StatusError);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

describe('onnxruntime backend: running', () => {
  it('runs a request alone and requests together', async () => {
    const { model, signature } = await load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    const alone = request(signature, [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])]);
    const batch = batchOf([alone]);
    await instance.execute(batch);
    assert.deepEqual(outputsOf(alone), [
      int32('OUTPUT0', [1, 4], [2, 3, 4, 5]),
      int32('OUTPUT1', [1, 4], [0, 1, 2, 3]),
    ]);
    assert.ok(batch.computeInputEndNs > 0 && batch.computeOutputStartNs >= batch.computeInputEndNs);

    const together = [1, 2, 3].map((rows) =>
      request(
        signature,
        ['INPUT0', 'INPUT1'].map((name) => int32(name, [rows, 4], new Array(4 * rows).fill(rows))),
        { outputs: rows === 2 ? ['OUTPUT1', 'OUTPUT0'] : ['OUTPUT0'] },
      ),
    );
    await instance.execute(batchOf(together));
    for (const [index, answered] of together.entries()) {
      const rows = index + 1;
      const sum = outputsOf(answered).find(({ name }) => name === 'OUTPUT0');
      assert.deepEqual(sum, int32('OUTPUT0', [rows, 4], new Array(4 * rows).fill(2 * rows)));
    }
    assert.deepEqual(
      outputsOf(together[1]!).map(({ name }) => name),
      ['OUTPUT1', 'OUTPUT0'],
    );
    await model.unload();
  });

  it('comes to answer before execute returns, once it knows the model is short', async () => {
    const { model, signature } = await load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    let inline = false;
    for (let run = 0; run < 1000 && !inline; run++) {
      const asked = request(signature, [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])]);
      const running = instance.execute(batchOf([asked]));
      inline = running === undefined;
      await running;
      assert.equal(outputsOf(asked).length, 2);
    }
    assert.equal(inline, true);
    await model.unload();
  });

  it('answers every request of a batch with ONNX Runtime’s error', async () => {
    const { model, signature } = await load(`${HEAD} max_batch_size: 0 ${IO} ${OUTPUTS}`, addSub([4]));
    const instance = await model.createInstance('m_0');
    const asked = request(signature, [int32('INPUT0', [4], [1, 2, 3, 4])]);
    for (let run = 0; run < 5; run++) await instance.execute(batchOf([asked]));
    assert.equal(asked.answers.length, 5);
    for (const { response } of asked.answers) {
      assert.equal(response.error?.code, 'INTERNAL');
      assert.match(response.error?.message ?? '', /^onnx runtime error 6: Non-zero status code returned while running/);
    }
    await model.unload();
  });

  it('lets a request leave out an optional input', async () => {
    const optional = IO.replace(
      'INPUT1" data_type: TYPE_INT32 dims: [ 4 ]',
      'INPUT1" data_type: TYPE_INT32 dims: [ 4 ] optional: true',
    );
    const { model, signature } = await load(
      `${HEAD} ${optional} output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 4 ] }`,
      withDefault(),
    );
    const instance = await model.createInstance('m_0');
    const given = int32('INPUT0', [4], [1, 2, 3, 4]);
    const without = request(signature, [given]);
    await instance.execute(batchOf([without]));
    assert.deepEqual(int32Values(outputsOf(without)[0]), [11, 12, 13, 14]);
    const withBoth = request(signature, [given, int32('INPUT1', [4], [1, 1, 1, 1])]);
    await instance.execute(batchOf([withBoth]));
    assert.deepEqual(int32Values(outputsOf(withBoth)[0]), [2, 3, 4, 5]);
    await model.unload();
  });

  it('feeds the scheduler’s inputs and gives it the states', async () => {
    const { model, signature } = await load(
      `${HEAD} max_batch_size: 4
       input { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] }
       output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
       sequence_batching {
         control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }
         state { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [ 1 ] }
       }`,
      accumulator(),
    );
    const instance = await model.createInstance('m_0');
    const asked = [5, 6].map((value) => request(signature, [int32('INPUT', [1, 1], [value])]));
    const states: unknown[] = [];
    const schedulerInputs = new Map([
      ['START', int32('START', [2, 1], [1, 0])],
      ['STATE_IN', int32('STATE_IN', [2, 1], [100, 100])],
    ]);
    await instance.execute(
      batchOf(asked, { schedulerInputs, onSchedulerOutputs: (outputs) => states.push(...outputs) }),
    );
    assert.deepEqual(
      asked.map((each) => int32Values(outputsOf(each)[0])),
      [[5], [106]],
    );
    assert.deepEqual(states, [int32('STATE_OUT', [2, 1], [5, 106])]);
    await model.unload();
  });

  it('runs ragged batches', async () => {
    const { model, signature } = await load(
      `${HEAD} max_batch_size: 4
       input { name: "R" data_type: TYPE_INT32 dims: [ -1 ] allow_ragged_batch: true }
       output { name: "Y" data_type: TYPE_INT32 dims: [ -1 ] }
       output { name: "C" data_type: TYPE_INT32 dims: [ 1 ] reshape { shape: [ ] } }
       batch_input { kind: BATCH_ELEMENT_COUNT target_name: "COUNT" data_type: TYPE_INT32 source_input: "R" }
       batch_output { kind: BATCH_SCATTER_WITH_INPUT_SHAPE target_name: "Y" source_input: "R" }`,
      identities([
        { x: 'R', y: 'Y', type: 'int32', shape: ['elements'] },
        { x: 'COUNT', y: 'C', type: 'int32', shape: ['requests'] },
      ]),
    );
    const instance = await model.createInstance('m_0');
    const asked = [int32('R', [1, 3], [1, 2, 3]), int32('R', [1, 1], [4])].map((tensor) =>
      request(signature, [tensor]),
    );
    await instance.execute(batchOf(asked));
    assert.deepEqual(asked.map(outputsOf), [
      [int32('Y', [1, 3], [1, 2, 3]), int32('C', [1], [3])],
      [int32('Y', [1, 1], [4]), int32('C', [1], [1])],
    ]);
    await model.unload();
  });

  it('gives scalars the shape of the configuration', async () => {
    const { model, signature } = await load(
      `${HEAD} input { name: "X" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "Y" data_type: TYPE_INT32 dims: [ 1 ] }`,
      identities([{ x: 'X', y: 'Y', type: 'int32', shape: [] }]),
    );
    const asked = request(signature, [int32('X', [1], [42])]);
    await (await model.createInstance('m_0')).execute(batchOf([asked]));
    assert.deepEqual(outputsOf(asked), [int32('Y', [1], [42])]);
    await model.unload();
  });

  it('stops a run whose only client has gone, and no other', async () => {
    const { model, signature } = await load(ADD_SUB);
    const instance = await model.createInstance('m_0');
    const tensors = [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])];
    const alone = request(signature, tensors);
    const running = instance.execute(batchOf([alone]));
    alone.request.cancellation.cancel();
    await running;
    const outcome = alone.answers.map(({ response }) => response.error?.code ?? 'OK');
    assert.ok(outcome.length === 1 && ['CANCELLED', 'OK'].includes(outcome[0] ?? ''), outcome.join());
    const pair = [request(signature, tensors), request(signature, tensors)];
    const together = instance.execute(batchOf(pair));
    pair[0]?.request.cancellation.cancel();
    await together;
    for (const each of pair) assert.equal(outputsOf(each).length, 2);
    await model.unload();
  });
});

describe('onnxruntime backend: loading', () => {
  it('finds the model by its default name, another name, or inside a directory', async () => {
    await (await load(ADD_SUB)).model.unload();
    await (await load(`${ADD_SUB} default_model_filename: "other.onnx"`, addSub(), 'other.onnx')).model.unload();
    await (await load(ADD_SUB, addSub(), 'model.onnx/model.onnx')).model.unload();
  });

  it('says what file is missing', async () => {
    await refuses(`${ADD_SUB} default_model_filename: "nope.onnx"`, /^failed to stat file .*\/1\/nope\.onnx$/);
    await assert.rejects(load(ADD_SUB, addSub(), 'model.onnx/other.onnx'), {
      code: 'UNAVAILABLE',
      message: /^unable to find '.*\/1\/model\.onnx\/model\.onnx' for model instance 'm'$/,
    });
  });

  it('reads no model file outside of the version directory', async () => {
    for (const name of ['../2/model.onnx', '/etc/passwd', '..', 'a/../../x', '.']) {
      await refuses(`${ADD_SUB} default_model_filename: "${name}"`, /is outside of its version directory$/);
    }
  });

  it('reports a file that is no model', async () => {
    await refuses(
      ADD_SUB,
      /^onnx runtime error 7: Load model from .*\/1\/model\.onnx failed:Protobuf parsing failed\.$/,
      Buffer.from('<html>'),
    );
  });

  it('reports every instance that was not made', async () => {
    const { config, signature } = configured(`${ADD_SUB} instance_group { name: "m" count: 2 kind: KIND_CPU }`);
    const { context, lines } = loadContext(config, versionDirectory(root, { 'model.onnx': addSub([3, 4]) }));
    await assert.rejects(backend.load(context, signature));
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^E backend_model\.cc\] ERROR: Failed to create instance: model 'm', tensor 'INPUT0'/);
  });

  it('compares inputs and outputs with the model', async () => {
    const one = 'input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 4 ] }';
    const head = `${HEAD} max_batch_size: 8`;
    const completed =
      '(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape';
    const cases: [string, string, Model?][] = [
      [`${head} ${one} ${OUTPUTS}`, "unable to load model 'm', configuration expects 1 inputs, model provides 2"],
      [
        `${head} ${IO.replace('INPUT1', 'OTHER')} ${OUTPUTS}`,
        "unexpected inference input 'OTHER', allowed inputs are: INPUT0, INPUT1",
      ],
      [
        `${head} ${IO} ${OUTPUTS.replace('OUTPUT0', 'NOPE')}`,
        "unexpected inference output 'NOPE', allowed outputs are: OUTPUT0, OUTPUT1",
      ],
      [
        `${head} ${IO.replace('TYPE_INT32', 'TYPE_FP32')} ${OUTPUTS}`,
        "unable to load model 'm', configuration expects datatype TYPE_FP32 for input 'INPUT0', model provides TYPE_INT32",
      ],
      [
        `${head} ${IO} ${OUTPUTS.replace('TYPE_INT32', 'TYPE_STRING')}`,
        "unable to load model 'm', configuration expects datatype TYPE_STRING for output 'OUTPUT0', model provides TYPE_INT32",
      ],
      [
        `${head} ${IO.replace('dims: [ 4 ]', 'dims: [ 5 ]')} ${OUTPUTS}`,
        `model 'm', tensor 'INPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 2 dimensions ${completed} [-1,5])`,
      ],
      [
        `${head} ${IO} ${OUTPUTS.replace('dims: [ 4 ]', 'dims: [ 4, 1 ]')}`,
        `model 'm', tensor 'OUTPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 3 dimensions ${completed} [-1,4,1])`,
      ],
      [
        `${head} ${IO} ${OUTPUTS}`,
        "model 'm', tensor 'INPUT0': for the model to support batching the shape should have at least 1 dimension and the first dimension " +
          'must be -1; but shape expected by the model is [2,4]',
        addSub([2, 4]),
      ],
      [
        `${HEAD} ${IO} ${OUTPUTS}`,
        "model 'm', tensor 'INPUT0': the model expects 2 dimensions (shape [-1,4]) but the model configuration specifies 1 dimensions (shape [4])",
      ],
      [
        `${HEAD} ${IO.replace('dims: [ 4 ]', 'dims: [ 4 ] allow_ragged_batch: true')} ${OUTPUTS}`,
        "unable to load model 'm', configuration expects model provides input with shape [-1]  for ragged input 'INPUT0', model provides [-1,4]",
      ],
      [
        `${head} ${one} input { name: "INPUT1" data_type: TYPE_INT32 dims: [ 4 ] } ${one.replace('INPUT0" ', 'INPUT2" optional: true ')} ${OUTPUTS}`,
        "unable to load model 'm', optional input 'INPUT2' is not supported for models that support batching",
      ],
      [
        `${HEAD} input { name: "X" data_type: TYPE_INT32 dims: [ 2 ] } output { name: "Y" data_type: TYPE_INT32 dims: [ 1 ] }`,
        "unable to load model 'm', scalar tensor 'X', should only provide 1 in the model configuration when the model doesn't support batching. " +
          'Model configuration provided: [2].',
        identities([{ x: 'X', y: 'Y', type: 'int32', shape: [] }]),
      ],
    ];
    for (const [text, message, model] of cases) await refuses(text, message, model);
  });

  it('takes variable dimensions of an input for fixed ones, of an output not', async () => {
    const wide = identities([{ x: 'X', y: 'Y', type: 'int32', shape: ['batch', 'n'] }]);
    const text = (x: number, y: number) =>
      `${HEAD} max_batch_size: 2 input { name: "X" data_type: TYPE_INT32 dims: [ ${x} ] } output { name: "Y" data_type: TYPE_INT32 dims: [ ${y} ] }`;
    await (await load(text(3, -1), wide)).model.unload();
    await refuses(text(3, 3), /tensor 'Y': the model expects 2 dimensions \(shape \[-1,-1\]\)/, wide);
  });

  it('compares sequence controls with the model', async () => {
    const text = (control: string) => `${HEAD} max_batch_size: 4
      input { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] }
      output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
      sequence_batching { ${control}
        state { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [ 1 ] } }`;
    const control = (name: string, values: string) =>
      `control_input { name: "${name}" control { kind: CONTROL_SEQUENCE_START ${values} } }`;
    await refuses(
      text(control('NOPE', 'int32_false_true: [ 0, 1 ]')),
      "configuration specified sequence control 'NOPE', but model does not provide that input",
      accumulator(),
    );
    await refuses(
      text(control('START', 'fp32_false_true: [ 0, 1 ]')),
      "unable to load model 'm', sequence control 'START', the model expects data-type INT32 but the model configuration specifies data-type TYPE_FP32",
      accumulator(),
    );
    await refuses(
      text(''),
      "unable to load model 'm', configuration expects 2 inputs, model provides 3",
      accumulator(),
    );
    await refuses(
      text(control('START', 'int32_false_true: [ 0, 1 ]')).replace('STATE_OUT', 'GONE'),
      "unexpected inference output 'GONE', allowed outputs are: OUTPUT, STATE_OUT",
      accumulator(),
    );
  });

  it('understands Triton’s parameters and refuses what it does not', async () => {
    const parameter = (key: string, value: string) => `parameters { key: "${key}" value { string_value: "${value}" } }`;
    const good = [
      'optimization { graph { level: -1 } }',
      'optimization { graph { level: 1 } }',
      'optimization { graph { level: 2 } }',
      parameter('execution_mode', '1'),
      parameter('intra_op_thread_count', '1') + parameter('inter_op_thread_count', '1'),
      parameter('enable_mem_arena', 'off') + parameter('enable_mem_pattern', 'FALSE'),
      parameter('memory.enable_memory_arena_shrinkage', 'cpu:0'),
      parameter('session.use_device_allocator_for_initializers', '1'),
    ];
    for (const text of good) {
      const { model, signature } = await load(`${ADD_SUB} ${text}`);
      const asked = request(signature, [int32('INPUT0', [1, 4], [1, 2, 3, 4]), int32('INPUT1', [1, 4], [1, 1, 1, 1])]);
      await (await model.createInstance('m_0')).execute(batchOf([asked]));
      assert.deepEqual(int32Values(outputsOf(asked)[0]), [2, 3, 4, 5], text);
      await model.unload();
    }
    const bad: [string, string][] = [
      [
        parameter('execution_mode', '2'),
        'Invalid configuration value provided. Expected values for  execution_mode are 0 or 1 but got 2 .',
      ],
      [parameter('intra_op_thread_count', 'many'), "failed to convert 'many' to integral number"],
      [parameter('enable_mem_arena', 'yes'), "failed to convert 'yes' to boolean"],
      [
        'optimization { execution_accelerators { cpu_execution_accelerator { name: "openvino" } } }',
        "unknown Execution Accelerator 'openvino' is requested",
      ],
      [
        'model_operations { op_library_filename: "nope.so" }',
        'onnx runtime error 1: Failed to load library nope.so with error: nope.so: cannot open shared object file: No such file or directory',
      ],
      [
        `model_operations { op_library_filename: "${process.execPath}" }`,
        `onnx runtime error 1: Failed to load library ${process.execPath} with error: custom operator libraries are not supported`,
      ],
    ];
    for (const [text, message] of bad) await refuses(`${ADD_SUB} ${text}`, message);
  });
});

describe('onnxruntime backend: auto-complete', () => {
  async function complete(text: string, model: Model, backendConfig: Record<string, string> = {}) {
    const { context, lines } = loadContext(
      configured(text).config,
      versionDirectory(root, { 'model.onnx': model }),
      backendConfig,
    );
    const config = JSON.parse(modelConfigToJson(await backend.autoComplete(context)));
    return { config, lines };
  }

  it('fills in what a model says, in Triton’s order', async () => {
    const { config, lines } = await complete(HEAD, addSub(['batch', 4]));
    assert.equal(config.max_batch_size, 4);
    assert.ok('dynamic_batching' in config);
    assert.deepEqual(
      [...config.input, ...config.output].map(({ name, data_type, dims }) => [name, data_type, dims]),
      [
        ['INPUT1', 'TYPE_INT32', [4]],
        ['INPUT0', 'TYPE_INT32', [4]],
        ['OUTPUT1', 'TYPE_INT32', [4]],
        ['OUTPUT0', 'TYPE_INT32', [4]],
      ],
    );
    assert.deepEqual(lines, [
      "W onnxruntime.cc] autofilled max_batch_size to 4 for model 'm' since batching is supporrted but no max_batch_size is specified in model " +
        'configuration. Must specify max_batch_size to utilize autofill with a larger max batch size',
    ]);
  });

  it('takes the default batch size from the command line', async () => {
    const { config } = await complete(HEAD, addSub(), { 'default-max-batch-size': '16' });
    assert.equal(config.max_batch_size, 16);
    const { config: one } = await complete(HEAD, addSub(), { 'default-max-batch-size': '1' });
    assert.equal('dynamic_batching' in one, false);
  });

  it('keeps what is given, and fills in only what is missing', async () => {
    const { config } = await complete(`${HEAD} max_batch_size: 2 ${IO} sequence_batching { }`, addSub());
    assert.equal(config.max_batch_size, 2);
    assert.equal('dynamic_batching' in config, false);
    assert.deepEqual(
      config.input.map(({ name }: { name: string }) => name),
      ['INPUT0', 'INPUT1'],
    );
    assert.equal(config.output.length, 2);
  });

  it('leaves a complete configuration alone', async () => {
    const { config, lines } = await complete(`${HEAD} ${IO} ${OUTPUTS}`, addSub());
    assert.equal(config.max_batch_size, 0);
    assert.deepEqual(lines, [
      "I onnxruntime.cc] skipping model configuration auto-complete for 'm': inputs and outputs already specified",
    ]);
  });

  it('does not batch a model that cannot', async () => {
    const { config } = await complete(HEAD, addSub([2, 4]));
    assert.equal(config.max_batch_size, 0);
    assert.deepEqual(config.input[0].dims, [2, 4]);
    await assert.rejects(complete(`${HEAD} max_batch_size: 1`, addSub([2, 4])), {
      code: 'INVALID_ARG',
      message:
        "autofill failed for model 'm': model does not support batching while non-zero max_batch_size is specified",
    });
  });

  it('gives tensors without dimensions one', async () => {
    const { config } = await complete(HEAD, identities([{ x: 'X', y: 'Y', type: 'float', shape: ['batch'] }]));
    assert.deepEqual([config.input[0].dims, config.input[0].reshape], [[1], { shape: [] }]);
    const { config: scalar } = await complete(HEAD, identities([{ x: 'X', y: 'Y', type: 'float', shape: [] }]));
    assert.deepEqual([scalar.input[0].dims, scalar.input[0].reshape], [[1], undefined]);
  });
});
