import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Model } from '@nereid/onnx';
import { StatusError } from '@nereid/protocol';
import {
  batchOf,
  configured,
  int32,
  int32Values,
  loadContext,
  outputsOf,
  request,
} from '../batch/test-support/requests.ts';
import { accumulator, addSub, identities, versionDirectory } from './test-support/models.ts';
import { ADD_SUB, HEAD, IO, OUTPUTS, TestBackend } from './test-support/test-backend.ts';

const test = new TestBackend();
after(() => test.close());

async function refuses(text: string, message: string | RegExp, model?: Model | Uint8Array): Promise<void> {
  await assert.rejects(test.load(text, model), (error) => {
    assert.ok(error instanceof StatusError);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

describe('onnxruntime backend: loading', () => {
  it('finds the model by its default name, another name, or inside a directory', async () => {
    await (await test.load(ADD_SUB)).model.unload();
    await (await test.load(`${ADD_SUB} default_model_filename: "other.onnx"`, addSub(), 'other.onnx')).model.unload();
    await (await test.load(ADD_SUB, addSub(), 'model.onnx/model.onnx')).model.unload();
  });

  it('says what file is missing', async () => {
    await refuses(`${ADD_SUB} default_model_filename: "nope.onnx"`, /^failed to stat file .*\/1\/nope\.onnx$/);
    await assert.rejects(test.load(ADD_SUB, addSub(), 'model.onnx/other.onnx'), {
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
      Buffer.from('a model?'),
    );
  });

  it('says what a file is that was put in the place of the model', async () => {
    for (const [content, told] of [
      ['<html>', /failed:Protobuf parsing failed\. \(it is an HTML page, .*\)$/],
      [
        'version https://git-lfs.github.com/spec/v1\n',
        /failed:Protobuf parsing failed\. \(it is a Git LFS pointer, .*\)$/,
      ],
      ['PK\u0003\u0004', /failed:Protobuf parsing failed\. \(it is a zip archive: .*\)$/],
      ['', /failed:No graph was found in the protobuf\. \(it is empty\)$/],
    ] as const) {
      await refuses(ADD_SUB, told, Buffer.from(content));
    }
  });

  it('reports every instance that was not made', async () => {
    const { config, signature } = configured(`${ADD_SUB} instance_group { name: "m" count: 2 kind: KIND_CPU }`);
    const { context, lines } = loadContext(config, versionDirectory(test.root, { 'model.onnx': addSub([3, 4]) }));
    await assert.rejects(test.backend.load(context, signature));
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
    await (await test.load(text(3, -1), wide)).model.unload();
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
      const { model, signature } = await test.load(`${ADD_SUB} ${text}`);
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
