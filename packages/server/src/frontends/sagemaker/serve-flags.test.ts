import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sagemakerSettings } from './environment.ts';
import { type ModelFiles, SagemakerServeError, sagemakerServeFlags } from './serve-flags.ts';

function files(models: readonly string[], configAtTop = false): ModelFiles {
  return {
    isFile: (path) => configAtTop && path === '/opt/ml/model/config.pbtxt',
    isDirectory: (path) => models.some((model) => path === `/opt/ml/model/${model}`),
    directories: () => models,
  };
}

test('one model directory is the default model', () => {
  const { flags, environment, messages } = sagemakerServeFlags({}, ['--extra=1'], files(['m']));
  assert.deepEqual(flags, [
    '--allow-sagemaker=true',
    '--allow-http=false',
    '--model-control-mode=explicit',
    '--model-repository=/opt/ml/model/',
    '--model-namespacing=true',
    '--allow-grpc=false',
    '--allow-metrics=false',
    '--log-verbose=true',
    '--backend-config=python,shm-default-byte-size=16777216',
    '--backend-config=python,shm-growth-byte-size=1048576',
    '--load-model=m',
    '--extra=1',
  ]);
  assert.deepEqual(environment, { SAGEMAKER_TRITON_PING_MODE: 'ready', SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'm' });
  assert.match(messages.join(), /Starting with the only existing model directory m/);
});

test('the environment sets flags', () => {
  const { flags } = sagemakerServeFlags(
    {
      SAGEMAKER_BIND_TO_PORT: '9000',
      SAGEMAKER_SAFE_PORT_RANGE: '9000-9010',
      SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'ens',
      SAGEMAKER_TRITON_DISABLE_MODEL_NAMESPACING: 'false',
      SAGEMAKER_TRITON_ALLOW_METRICS: 'true',
      SAGEMAKER_TRITON_METRICS_PORT: '9002',
      SAGEMAKER_TRITON_LOG_VERBOSE: '0',
      SAGEMAKER_TRITON_ADDITIONAL_ARGS: '--load-model=a  --load-model=b',
    },
    [],
    files(['ens', 'a', 'b']),
  );
  for (const flag of [
    '--sagemaker-port=9000',
    '--sagemaker-safe-port-range=9000-9010',
    '--model-namespacing=false',
    '--allow-metrics=true',
    '--metrics-port=9002',
    '--log-verbose=0',
    '--load-model=a',
    '--load-model=b',
    '--load-model=ens',
  ]) {
    assert.ok(flags.includes(flag), flag);
  }
});

test('a multi-model server begins with an empty repository', () => {
  const { flags, environment } = sagemakerServeFlags({ SAGEMAKER_MULTI_MODEL: 'true' }, [], files([]));
  assert.ok(flags.includes('--model-repository=/tmp/sagemaker'));
  assert.ok(!flags.some((flag) => flag.startsWith('--load-model')));
  assert.deepEqual(environment, { SAGEMAKER_TRITON_PING_MODE: 'live' });
});

test("what cannot be served is refused in the script's words", () => {
  const refusal = (environment: Record<string, string>, modelFiles: ModelFiles) => {
    try {
      sagemakerServeFlags(environment, [], modelFiles);
      return 'none';
    } catch (error) {
      assert.ok(error instanceof SagemakerServeError);
      return error.message.split('\n')[0];
    }
  };
  assert.equal(refusal({}, files([])), 'ERROR: No model found in model repository');
  assert.equal(refusal({}, files(['a', 'b'])), 'ERROR: More than 1 model directory found in model repository.');
  assert.equal(refusal({}, files(['a'], true)), 'ERROR: Incorrect directory structure.');
  assert.equal(
    refusal({ SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'x' }, files(['a'])),
    'ERROR: Directory with provided SAGEMAKER_TRITON_DEFAULT_MODEL_NAME x does not exist',
  );
  assert.equal(
    refusal({ SAGEMAKER_TRITON_INFERENCE_TYPE: 'x' }, files(['a'])),
    "ERROR: Invalid SAGEMAKER_TRITON_INFERENCE_TYPE 'x'",
  );
});

test('the front end reads its settings from the environment', () => {
  assert.deepEqual(sagemakerSettings({}), {
    pingMode: 'ready',
    defaultModelName: 'unspecified_SAGEMAKER_TRITON_DEFAULT_MODEL_NAME',
    inferenceType: 'infer',
  });
  assert.deepEqual(
    sagemakerSettings({
      SAGEMAKER_TRITON_PING_MODE: 'live',
      SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'm',
      SAGEMAKER_TRITON_INFERENCE_TYPE: 'generate',
    }),
    { pingMode: 'live', defaultModelName: 'm', inferenceType: 'generate' },
  );
});
