import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime';
import {
  BUCKET,
  createConfig,
  createEndpoint,
  createModel,
  deploy,
  type Report,
  variant,
} from '../test-support/deploy.ts';
import { startTestHost } from '../test-support/test-host.ts';

test('an asynchronous request is accepted, run and written to S3, by object and inline; failures too', async (t) => {
  const host = await startTestHost(t);
  await createModel(host, 'e');
  await createConfig(host, 'e', [variant('e')], {
    AsyncInferenceConfig: {
      OutputConfig: { S3OutputPath: `s3://${BUCKET}/out`, S3FailurePath: `s3://${BUCKET}/failed/` },
      ClientConfig: { MaxConcurrentInvocationsPerInstance: 1 },
    },
  });
  await createEndpoint(host, 'e');
  const written = async (location: string | undefined): Promise<string> => {
    const Key = location?.replace(`s3://${BUCKET}/`, '');
    for (;;) {
      const object = await host.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key })).catch(() => undefined);
      if (object?.Body) return object.Body.transformToString();
    }
  };
  await host.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'in.csv', Body: '1,2,3' }));
  const accepted = await host.runtime.send(
    new InvokeEndpointAsyncCommand({
      EndpointName: 'e',
      InputLocation: `s3://${BUCKET}/in.csv`,
      ContentType: 'text/csv',
      InferenceId: 'mine',
    }),
  );
  assert.equal(accepted.InferenceId, 'mine');
  assert.equal(accepted.$metadata.httpStatusCode, 202);
  assert.match(accepted.OutputLocation ?? '', /^s3:\/\/models\/out\/[0-9a-f-]+\.out$/);
  const report = JSON.parse(await written(accepted.OutputLocation)) as Report;
  assert.equal(report.text, '1,2,3');
  assert.equal(report.headers['content-type'], 'text/csv');

  await host.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'bad', Body: 'status 400 wrong input' }));
  const failing = await host.runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'e', InputLocation: `s3://${BUCKET}/bad` }),
  );
  assert.match(
    await written(failing.FailureLocation),
    /Received client error \(400\) from primary with message "wrong input"/,
  );
  const missing = await host.runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'e', InputLocation: `s3://${BUCKET}/none` }),
  );
  assert.match(await written(missing.FailureLocation), /no object at s3:\/\/models\/none/);
  await assert.rejects(
    host.runtime.send(
      new InvokeEndpointAsyncCommand({ EndpointName: 'e', InputLocation: 'https://169.254.169.254/x' }),
    ),
    { name: 'ValidationError' },
  );
});

test('a synchronous endpoint takes no asynchronous requests', async (t) => {
  const host = await startTestHost(t);
  await deploy(host, 'e');
  await assert.rejects(
    host.runtime.send(new InvokeEndpointAsyncCommand({ EndpointName: 'e', InputLocation: `s3://${BUCKET}/x` })),
    {
      name: 'ValidationError',
      message: /not an asynchronous endpoint/,
    },
  );
});
