import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('the folder that stands for /opt/ml can be another one', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'nereid-sagemaker-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'model', 'only'), { recursive: true });
  const entry = sagemakerEntry([], { SAGEMAKER_BASE_DIR: root, SAGEMAKER_BIND_TO_PORT: '8123' });
  assert.ok(entry !== undefined);
  assert.ok(entry.flags.includes(`--model-repository=${root}/model/`));
  assert.equal(entry.environment['SAGEMAKER_TRITON_DEFAULT_MODEL_NAME'], 'only');
});
