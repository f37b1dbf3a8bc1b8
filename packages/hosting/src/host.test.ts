import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { IMAGE, modelArchive, settledEndpoint, startTestHost } from './test-support/test-host.ts';

test("the article's flow: upload, create, invoke, delete model and configuration while it serves, delete the endpoint", async (t) => {
  const { s3, sagemaker, runtime } = await startTestHost(t);
  const name = 'dali-ensemble-2022-05-01-10-00-00';
  await s3.send(new CreateBucketCommand({ Bucket: 'models' }));
  await s3.send(new PutObjectCommand({ Bucket: 'models', Key: 'a/model.tar.gz', Body: modelArchive('one') }));
  const model = await sagemaker.send(
    new CreateModelCommand({
      ModelName: name,
      ExecutionRoleArn: 'arn:aws:iam::123456789012:role/SageMaker',
      PrimaryContainer: {
        Image: IMAGE,
        ModelDataUrl: 's3://models/a/model.tar.gz',
        Environment: { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'ensemble_dali_inception', NODE_OPTIONS: '--bogus' },
      },
    }),
  );
  assert.equal(model.ModelArn, `arn:aws:sagemaker:us-east-1:123456789012:model/${name}`);
  await sagemaker.send(
    new CreateEndpointConfigCommand({
      EndpointConfigName: name,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: name,
          InstanceType: 'ml.g4dn.4xlarge',
          InitialInstanceCount: 1,
          InitialVariantWeight: 1,
        },
      ],
    }),
  );
  const created = await sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: name }));
  assert.equal(created.EndpointArn, `arn:aws:sagemaker:us-east-1:123456789012:endpoint/${name}`);
  const endpoint = await settledEndpoint(sagemaker, name);
  assert.equal(endpoint.EndpointStatus, 'InService', endpoint.FailureReason);
  assert.equal(endpoint.ProductionVariants?.[0]?.CurrentInstanceCount, 1);

  await sagemaker.send(new DeleteModelCommand({ ModelName: name }));
  await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }));
  const answer = await runtime.send(
    new InvokeEndpointCommand({
      EndpointName: name,
      ContentType: 'application/octet-stream',
      Body: '{"inputs":[]}',
      CustomAttributes: 'trace=1',
    }),
  );
  const seen = JSON.parse(answer.Body.transformToString()) as Record<string, Record<string, string>>;
  assert.equal(answer.InvokedProductionVariant, 'AllTraffic');
  assert.equal(answer.CustomAttributes, 'seen trace=1');
  assert.equal(seen['version'], 'one');
  assert.equal(seen['headers']?.['authorization'], undefined);
  assert.equal(seen['environment']?.['SAGEMAKER_TRITON_DEFAULT_MODEL_NAME'], 'ensemble_dali_inception');
  assert.equal(seen['environment']?.['NODE_OPTIONS'], undefined, 'variables that load code stay out');

  await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }));
  await assert.rejects(
    async () => {
      for (;;) await sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }));
    },
    { name: 'ValidationException', message: `Could not find endpoint "${created.EndpointArn}".` },
  );
});
