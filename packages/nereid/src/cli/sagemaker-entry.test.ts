import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sagemakerEntry } from './sagemaker-entry.ts';

test('flags that say what to serve win over the environment', () => {
  const environment = { SAGEMAKER_MULTI_MODEL: 'true' };
  assert.equal(sagemakerEntry(['--model-repository=models'], environment), undefined);
  assert.equal(sagemakerEntry(['--model-store', 'models'], environment), undefined);
  assert.equal(sagemakerEntry(['--help'], environment), undefined);
});

test('other variables of SageMaker are no container', () => {
  assert.equal(sagemakerEntry([], { SAGEMAKER_ROLE: 'r', AWS_REGION: 'x' }), undefined);
});

test('a multi-model container starts without models', () => {
  const entry = sagemakerEntry(['--log-info=false'], { SAGEMAKER_MULTI_MODEL: 'true', SAGEMAKER_BIND_TO_PORT: '8123' });
  assert.ok(entry !== undefined);
  assert.ok(entry.flags.includes('--sagemaker-port=8123'));
  assert.equal(entry.flags.at(-1), '--log-info=false');
  assert.equal(entry.environment['SAGEMAKER_TRITON_PING_MODE'], 'live');
});
