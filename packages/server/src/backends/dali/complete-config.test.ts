import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { modelSignature } from '../../config/index.ts';
import { DaliBackend } from './dali-backend.ts';
import { definePipeline, type PipelineDef, type PipelineOptions, writePipeline } from './index.ts';
import { type TestModel, writeModel } from './test-support/model-directory.ts';

const written: TestModel[] = [];
after(() => Promise.all(written.map((model) => model.remove())));

async function modelOf(configText: string, pipeline: PipelineDef): Promise<TestModel> {
  const model = await writeModel(configText, { 'model.dali': writePipeline(pipeline) });
  written.push(model);
  return model;
}

async function complete(configText: string, pipeline: PipelineDef): Promise<unknown> {
  const { context } = await modelOf(configText, pipeline);
  const completed = await new DaliBackend().autoComplete(context);
  const { maxBatchSize, input, output, schedulingChoice } = completed;
  return {
    maxBatchSize,
    dynamicBatching: schedulingChoice.case === 'dynamicBatching',
    input: input.map(({ name, dataType, dims, allowRaggedBatch }) => [name, dataType, dims.join(), allowRaggedBatch]),
    output: output.map(({ name, dataType, dims }) => [name, dataType, dims.join()]),
  };
}

const declared = (options: Partial<PipelineOptions> = {}): PipelineDef =>
  definePipeline({ batchSize: 3, outputs: [{ dtype: 'FLOAT', ndim: 3 }], ...options }, (fn) => {
    const encoded = fn.externalSource({ name: 'IN', dtype: 'UINT8', ndim: 1 });
    return fn.cropMirrorNormalize(fn.decoders.image(encoded), { name: 'OUT' });
  });
const [UINT8, FP32] = [2, 11];

test('auto-complete takes everything from the pipeline', async () => {
  assert.deepEqual(await complete('name: "m" backend: "dali"', declared()), {
    maxBatchSize: 3,
    dynamicBatching: true,
    input: [['IN', UINT8, '-1', true]],
    output: [['OUT', FP32, '-1,-1,-1']],
  });
  assert.deepEqual(
    await complete(
      'name: "m" backend: "dali" max_batch_size: 16 output [{ name: "RENAMED" dims: [3, 4, 5] }] sequence_batching {}',
      declared(),
    ),
    {
      maxBatchSize: 16,
      dynamicBatching: false,
      input: [['IN', UINT8, '-1', true]],
      output: [['RENAMED', FP32, '3,4,5']],
    },
  );
  assert.deepEqual(await complete('name: "m" backend: "dali" # max_batch_size: 7\nmax_batch_size: 0', declared()), {
    maxBatchSize: 0,
    dynamicBatching: false,
    input: [['IN', UINT8, '-1,-1', true]],
    output: [['OUT', FP32, '-1,-1,-1,-1']],
  });
});

test('auto-complete infers output types that the pipeline does not declare', async () => {
  const completed = await complete('name: "m" backend: "dali"', declared({ outputs: [] }));
  assert.deepEqual((completed as { output: unknown }).output, [['OUT', FP32, '']]);
});

test("a configuration that contradicts the pipeline is refused with DALI's texts", async () => {
  const refuses = async (text: string, config: string, pipeline = declared()) => {
    const { context } = await modelOf(`name: "m" backend: "dali" max_batch_size: 4 ${config}`, pipeline);
    const attempt = async () => {
      const completed = await new DaliBackend().autoComplete(context);
      await new DaliBackend().load({ ...context, config: completed }, modelSignature(completed));
    };
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(`${error.code} ${error.message}`, `INVALID_ARG ${text}`);
      return true;
    });
  };
  await refuses(
    'Configuration file contains config for WHAT but such input is not present in the pipeline.',
    'input [{ name: "WHAT" data_type: TYPE_UINT8 dims: [-1] }]',
  );
  await refuses(
    'Mismatch of data_type config for "IN".\nData type defined in config: TYPE_INT32\nData type defined in pipeline: TYPE_UINT8',
    'input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]',
  );
  await refuses(
    'Mismatch in number of dimensions for "IN"\nNumber of dimensions defined in config: 2\nNumber of dimensions defined in pipeline: 1',
    'input [{ name: "IN" data_type: TYPE_UINT8 dims: [-1, 3] }]',
  );
  await refuses(
    'The number of outputs specified in the DALI pipeline and the configuration file do not match.\nModel config outputs: 2\nPipeline outputs: 1',
    'output [{ name: "A" data_type: TYPE_FP32 dims: [-1,-1,-1] }, { name: "B" data_type: TYPE_FP32 dims: [1] }]',
  );
});

test('without auto-complete a configuration must be whole', async () => {
  const refuses = async (text: RegExp, io: string) => {
    const { context, signature } = await modelOf(
      `name: "m" backend: "dali" max_batch_size: 4 ${io}`,
      declared({ outputs: [] }),
    );
    await assert.rejects(
      new DaliBackend().load(context, signature),
      (error) => error instanceof StatusError && error.code === 'INVALID_ARG' && text.test(error.message),
    );
  };
  await refuses(/Missing config for "IN" input\./, 'output [{ name: "OUT" data_type: TYPE_FP32 dims: [-1, -1, -1] }]');
  await refuses(
    /Mismatch of data_type config for "OUT"\.\nData type defined in config: TYPE_FP16\nData type defined in pipeline: TYPE_FP32/,
    'input [{ name: "IN" data_type: TYPE_UINT8 dims: [-1] }] output [{ name: "OUT" data_type: TYPE_FP16 dims: [-1, -1, -1] }]',
  );
});
