import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toyModel } from './test-support/configs.ts';
import { startCore } from './test-support/harness.ts';

interface Sample {
  readonly batchSize?: number;
  readonly more?: string;
  readonly input?: string;
  readonly dims?: string;
  readonly dataType?: string;
  readonly data?: string;
}

function sample({
  batchSize = 1,
  more = '',
  input = 'INPUT0',
  dims = '2',
  dataType = 'TYPE_INT32',
  data = 'zero_data: true',
}: Sample): string {
  return `model_warmup { name: "w" batch_size: ${batchSize} ${more}
    inputs { key: "${input}" value { data_type: ${dataType} dims: [ ${dims} ] ${data} } } }`;
}

async function warmed(samples: readonly string[], maxBatchSize = 4) {
  const { backend, store } = await startCore([toyModel('m', { maxBatchSize, more: samples.join('\n') })]);
  return { executions: backend.executions.map(({ batchSize }) => batchSize), failure: store.failures.get('m') };
}

test('every sample runs as often as it says, one of batch size 0 not at all', async () => {
  const missing = sample({ batchSize: 0, data: 'input_data_file: "missing"' });
  const { executions, failure } = await warmed([sample({}), missing, sample({ batchSize: 4, more: 'count: 2' })]);
  assert.equal(failure, undefined);
  assert.deepEqual(executions, [1, 4, 4]);
});

test('what is wrong with a sample is said in the words of Triton', async () => {
  const refusals: readonly (readonly [string, string])[] = [
    [sample({ dims: '-1' }), "warmup setting expects all variable-size dimensions are specified for input 'INPUT0'"],
    [sample({ dims: '2, -5' }), "tensor 'INPUT0' contains an invalid dimension [2,-5]"],
    [sample({ dims: '-2', dataType: 'TYPE_STRING' }), "tensor 'INPUT0' contains an invalid dimension in shape [-2]"],
    [
      sample({ data: '' }),
      "[request id: <id_unknown>] warmup setting expects input 'INPUT0' to have input_data_type set",
    ],
    [
      sample({ dataType: 'TYPE_FP32' }),
      "[request id: <id_unknown>] inference input 'INPUT0' data-type is 'FP32', but model 'm' expects 'INT32'",
    ],
  ];
  for (const [text, message] of refusals) {
    const { executions, failure } = await warmed([text]);
    assert.deepEqual([failure?.code, failure?.message], ['INVALID_ARG', message]);
    assert.deepEqual(executions, []);
  }
});

test('a sample larger than the model allows fails for each of its requests', async () => {
  const { executions, failure } = await warmed([sample({ batchSize: 5 })]);
  const tooLarge = "batch size 5 for 'm_0_0', max allowed is 4; ";
  assert.deepEqual(
    [failure?.code, failure?.message],
    ['INVALID_ARG', `failed to run warmup sample 'w': ${tooLarge.repeat(5)}`],
  );
  assert.deepEqual(executions, []);
  const plain = await warmed([sample({ batchSize: 2 })], 0);
  assert.match(plain.failure?.message ?? '', /max allowed is 0; batch size 2 for 'm_0_0', max allowed is 0; $/);
  assert.equal((await warmed([sample({ batchSize: 1 })], 0)).failure, undefined);
});
