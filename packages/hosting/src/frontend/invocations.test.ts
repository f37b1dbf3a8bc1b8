import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVOCATIONS } from './invocations.ts';

const SCOPE = 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1';

test('plain invocations are those of this service alone', () => {
  const { path, accepts } = INVOCATIONS;
  assert.ok(path.test('/endpoints/my-endpoint/invocations'));
  for (const other of ['/endpoints/a/b/invocations', '/endpoints/a/async-invocations', '/endpoints/a/invocations?b']) {
    assert.ok(!path.test(other), other);
  }
  assert.ok(accepts?.({ authorization: `${SCOPE}/sagemaker/aws4_request, Signature=0` }));
  assert.ok(!accepts?.({ authorization: `${SCOPE}/s3/aws4_request, Signature=0` }));
  assert.ok(!accepts?.({ 'x-amz-target': 'SageMaker.ListModels' }));
  assert.ok(!accepts?.({ 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }));
});
