import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  type DescribeEndpointOutput,
  ListTagsCommand,
  UpdateEndpointCommand,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime';
import { createHost, StoreError } from '../index.ts';
import { BUCKET, createConfig, createEndpoint, createModel, deploy, invoke, variant } from '../test-support/deploy.ts';
import { isRunning, startKillableHost } from '../test-support/killable-host.ts';
import {
  IMAGE,
  settledEndpoint,
  startTestHost,
  tarGz,
  temporaryDirectory,
  testHostOptions,
} from '../test-support/test-host.ts';

test('two hosts on one data directory are refused, whichever way the first ends', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await startKillableHost(t, directory);
  await assert.rejects(createHost(testHostOptions(directory, [])).start(), (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.match(error.message, /in use by another host \(process \d+\)/);
    return true;
  });
  await first.end('SIGKILL');
  await startTestHost(t, { dataDirectory: directory });
});

test('an orderly restart brings endpoints, models, objects and tags back; instances end with the host', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await startKillableHost(t, directory);
  await deploy(first, 'e');
  await first.sagemaker.send(
    new CreateModelCommand({
      ModelName: 'tagged',
      PrimaryContainer: { Image: IMAGE },
      Tags: [{ Key: 'a', Value: 'b' }],
    }),
  );
  const { pid } = await invoke(first, 'e');
  const before = await first.sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'e' }));
  assert.equal(await first.end('SIGTERM'), 0);
  assert.ok(!isRunning(pid));

  const second = await startTestHost(t, { dataDirectory: directory });
  const after = await settledEndpoint(second.sagemaker, 'e');
  const lasting = ({
    EndpointArn,
    EndpointStatus,
    CreationTime,
    ProductionVariants,
  }: DescribeEndpointOutput): unknown => ({
    EndpointArn,
    EndpointStatus,
    CreationTime,
    ProductionVariants,
  });
  assert.deepEqual(lasting(after), lasting(before));
  assert.equal((await invoke(second, 'e')).version, 'e');
  const { Tags } = await second.sagemaker.send(
    new ListTagsCommand({ ResourceArn: 'arn:aws:sagemaker:us-east-1:123456789012:model/tagged' }),
  );
  assert.deepEqual(Tags, [{ Key: 'a', Value: 'b' }]);
});

test('kill -9 in service: the endpoint comes back with its instances, model and archive deleted or not', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await startKillableHost(t, directory);
  await deploy(first, 'e', { InitialInstanceCount: 2 });
  await first.sagemaker.send(new DeleteModelCommand({ ModelName: 'e' }));
  await first.sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'e' }));
  await first.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'e.tar.gz', Body: 'overwritten' }));
  const { pid } = await invoke(first, 'e');
  await first.end('SIGKILL');

  const second = await startTestHost(t, { dataDirectory: directory });
  const endpoint = await settledEndpoint(second.sagemaker, 'e');
  assert.equal(endpoint.EndpointStatus, 'InService');
  assert.equal(endpoint.ProductionVariants?.[0]?.CurrentInstanceCount, 2);
  assert.equal((await invoke(second, 'e')).version, 'e');
  assert.ok(!isRunning(pid), 'what the killed host had started is gone');
});

test('kill -9 during create, update, scaling and deletion: the next host goes on', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await startKillableHost(t, directory);
  for (const name of ['updated', 'scaled', 'deleted']) await deploy(first, name);
  await createModel(first, 'next');
  await createConfig(first, 'next', [variant('next')]);
  await first.sagemaker.send(new CreateEndpointCommand({ EndpointName: 'created', EndpointConfigName: 'next' }));
  await first.sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'updated', EndpointConfigName: 'next' }));
  await first.sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: 'scaled',
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredInstanceCount: 2, DesiredWeight: 3 }],
    }),
  );
  await first.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'deleted' }));
  await first.end('SIGKILL');

  const second = await startTestHost(t, { dataDirectory: directory });
  const created = await settledEndpoint(second.sagemaker, 'created');
  assert.equal(created.EndpointStatus, 'InService', created.FailureReason);
  const updated = await settledEndpoint(second.sagemaker, 'updated');
  assert.deepEqual([updated.EndpointStatus, updated.EndpointConfigName], ['InService', 'next']);
  assert.equal((await invoke(second, 'updated')).version, 'next');
  const scaled = await settledEndpoint(second.sagemaker, 'scaled');
  assert.deepEqual(
    scaled.ProductionVariants?.map((one) => [one.CurrentInstanceCount, one.CurrentWeight]),
    [[2, 3]],
  );
  await assert.rejects(settledEndpoint(second.sagemaker, 'deleted'), {
    name: 'ValidationException',
    message: /Could not find endpoint/,
  });
});

test('kill -9 while an asynchronous request runs: it runs again', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await startKillableHost(t, directory);
  await createModel(first, 'e');
  await createConfig(first, 'e', [variant('e')], {
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: `s3://${BUCKET}/out` } },
  });
  await createEndpoint(first, 'e');
  await first.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'in', Body: 'hang' }));
  const { OutputLocation } = await first.runtime.send(
    new InvokeEndpointAsyncCommand({ EndpointName: 'e', InputLocation: `s3://${BUCKET}/in` }),
  );
  await first.end('SIGKILL');

  const second = await startTestHost(t, { dataDirectory: directory });
  // The request of before hangs in its container; with another input it ends.
  await second.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'in', Body: 'done' }));
  await settledEndpoint(second.sagemaker, 'e');
  const Key = OutputLocation?.replace(`s3://${BUCKET}/`, '');
  let written: string | undefined;
  while (written === undefined) {
    const object = await second.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key })).catch(() => undefined);
    written = await object?.Body?.transformToString();
  }
  assert.match(written, /"text":"done"/);
});

test('UpdateEndpoint: no request fails, the old instances go, weights are kept when asked for', async (t) => {
  const host = await startTestHost(t);
  await createModel(host, 'one');
  await createModel(host, 'two');
  await createConfig(host, 'one', [variant('one')]);
  await createConfig(host, 'two', [variant('two', { InitialVariantWeight: 7 })]);
  await createEndpoint(host, 'e', 'one');
  const { pid } = await invoke(host, 'e');
  await host.sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: 'e',
      DesiredWeightsAndCapacities: [{ VariantName: 'AllTraffic', DesiredWeight: 2 }],
    }),
  );
  await settledEndpoint(host.sagemaker, 'e');

  const seen: string[] = [];
  let isDone = false;
  const callers = Array.from({ length: 8 }, async () => {
    while (!isDone) seen.push((await invoke(host, 'e')).version ?? '');
  });
  await host.sagemaker.send(
    new UpdateEndpointCommand({
      EndpointName: 'e',
      EndpointConfigName: 'two',
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredInstanceCount' }],
    }),
  );
  const during = await host.sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'e' }));
  assert.equal(during.EndpointStatus, 'Updating');
  assert.equal(during.PendingDeploymentSummary?.EndpointConfigName, 'two');
  const updated = await settledEndpoint(host.sagemaker, 'e');
  assert.equal(updated.EndpointStatus, 'InService', updated.FailureReason);
  while (seen.at(-1) !== 'two') await new Promise((resolve) => setImmediate(resolve));
  isDone = true;
  await Promise.all(callers);
  assert.equal(updated.EndpointConfigName, 'two');
  assert.equal(updated.ProductionVariants?.[0]?.CurrentWeight, 2);
  assert.ok(seen.includes('one') && seen.length > 10);
  assert.equal((await invoke(host, 'e')).version, 'two');
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
});

test('an update that fails leaves the old fleet serving and says why', async (t) => {
  const host = await startTestHost(t);
  await deploy(host, 'good');
  await host.s3.send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'bad.tar.gz',
      Body: tarGz([{ name: 'fail.txt', body: 'error: no such op' }]),
    }),
  );
  await host.sagemaker.send(
    new CreateModelCommand({
      ModelName: 'bad',
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: `s3://${BUCKET}/bad.tar.gz` },
    }),
  );
  await createConfig(host, 'bad', [variant('bad')]);
  const { pid } = await invoke(host, 'good');
  await host.sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'good', EndpointConfigName: 'bad' }));
  const endpoint = await settledEndpoint(host.sagemaker, 'good');
  assert.equal(endpoint.EndpointStatus, 'InService');
  assert.equal(endpoint.EndpointConfigName, 'good');
  assert.match(endpoint.FailureReason ?? '', /error: no such op/);
  assert.equal((await invoke(host, 'good')).pid, pid);
  await host.sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: 'good' }));
  await assert.rejects(
    host.sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'good', EndpointConfigName: 'bad' })),
    {
      name: 'ValidationException',
      message: /Could not find endpoint configuration ".*endpoint-config\/good"/,
    },
  );
});

test('an endpoint can be deleted while it is being created', async (t) => {
  const host = await startTestHost(t);
  await createModel(host, 'm');
  await host.s3.send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: 'm.tar.gz',
      Body: tarGz([
        { name: 'never-ready', body: '' },
        { name: 'x', body: '' },
      ]),
    }),
  );
  await createConfig(host, 'm', [variant('m')]);
  await host.sagemaker.send(new CreateEndpointCommand({ EndpointName: 'e', EndpointConfigName: 'm' }));
  await host.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'e' }));
  await assert.rejects(host.sagemaker.send(new UpdateEndpointCommand({ EndpointName: 'e', EndpointConfigName: 'm' })), {
    name: 'ValidationException',
  });
  await assert.rejects(settledEndpoint(host.sagemaker, 'e'), { name: 'ValidationException' });
  await host.sagemaker.send(new CreateEndpointCommand({ EndpointName: 'e', EndpointConfigName: 'm' }));
  await host.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'e' }));
});

test('a stop under load lets requests end', async (t) => {
  const host = await startTestHost(t);
  await deploy(host, 'e');
  const answers = Array.from({ length: 20 }, () => invoke(host, 'e'));
  await answers[0];
  const stopped = host.host.stop();
  const results = await Promise.allSettled(answers);
  await stopped;
  for (const result of results) {
    if (result.status === 'rejected')
      assert.match(String((result.reason as Error).name), /ServiceUnavailable|TimeoutError|Error/);
  }
  assert.ok(results.some((result) => result.status === 'fulfilled'));
});
