import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Model } from '@nereid/onnx';
import { modelConfigToJson } from '../../config/index.ts';
import { configured, loadContext } from '../batch/test-support/requests.ts';
import { addSub, identities, versionDirectory } from './test-support/models.ts';
import { HEAD, IO, OUTPUTS, TestBackend } from './test-support/test-backend.ts';

const test = new TestBackend();
after(() => test.close());

describe('onnxruntime backend: auto-complete', () => {
  async function complete(text: string, model: Model, backendConfig: Record<string, string> = {}) {
    const { context, lines } = loadContext(
      configured(text).config,
      versionDirectory(test.root, { 'model.onnx': model }),
      backendConfig,
    );
    const config = JSON.parse(modelConfigToJson(await test.backend.autoComplete(context)));
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
