import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { type ContainerDefinition, CreateModelCommand, type DescribeEndpointOutput } from '@aws-sdk/client-sagemaker';
import { createConfig, createEndpoint, invoke, variant } from '../test-support/deploy.ts';
import {
  ACCESS_KEY,
  IMAGE,
  modelArchive,
  SECRET_KEY,
  startTestHost,
  type TestHost,
  temporaryDirectory,
} from '../test-support/test-host.ts';

async function deployFrom(
  host: TestHost,
  name: string,
  container: Partial<ContainerDefinition>,
): Promise<DescribeEndpointOutput> {
  await host.sagemaker.send(
    new CreateModelCommand({ ModelName: name, PrimaryContainer: { Image: IMAGE, ...container } }),
  );
  await createConfig(host, name, [variant(name)]);
  return createEndpoint(host, name);
}

test('an uncompressed model below a prefix, and a single uncompressed object', async (t) => {
  const host = await startTestHost(t);
  await host.s3.send(new CreateBucketCommand({ Bucket: 'models' }));
  for (const [Key, Body] of [
    ['tree/version.txt', 'from a prefix'],
    ['tree/ensemble/1/', ''],
    ['tree/deep/er/file', 'x'],
    ['treehouse/version.txt', 'another'],
  ] as const) {
    await host.s3.send(new PutObjectCommand({ Bucket: 'models', Key, Body }));
  }
  const source = (
    S3Uri: string,
    S3DataType: 'S3Prefix' | 'S3Object',
    CompressionType: 'None' | 'Gzip',
  ): Partial<ContainerDefinition> => ({
    ModelDataSource: { S3DataSource: { S3Uri, S3DataType, CompressionType } },
  });
  await deployFrom(host, 'prefix', source('s3://models/tree/', 'S3Prefix', 'None'));
  const report = await invoke(host, 'prefix');
  assert.equal(report.version, 'from a prefix');
  const directory = join(report.environment['SAGEMAKER_BASE_DIR'] ?? '', 'model');
  assert.deepEqual(readdirSync(directory).sort(), ['deep', 'ensemble', 'version.txt']);
  assert.ok(existsSync(join(directory, 'ensemble/1')), 'a key that ends in a slash is a folder');

  await deployFrom(host, 'object', source('s3://models/tree/version.txt', 'S3Object', 'None'));
  assert.equal((await invoke(host, 'object')).version, 'from a prefix');
  await assert.rejects(deployFrom(host, 'both', source('s3://models/tree/', 'S3Prefix', 'Gzip')), {
    name: 'ValidationException',
  });

  await host.s3.send(new PutObjectCommand({ Bucket: 'models', Key: 'evil/../../out', Body: 'x' }));
  const evil = await deployFrom(host, 'evil', source('s3://models/evil/', 'S3Prefix', 'None'));
  assert.equal(evil.EndpointStatus, 'Failed');
  assert.match(evil.FailureReason ?? '', /leaves the archive's directory/);
});

test('an archive and a folder on this machine, and nothing outside the roots', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'folder/1'), { recursive: true });
  writeFileSync(join(root, 'folder/version.txt'), 'in place');
  writeFileSync(join(root, 'model.tar.gz'), modelArchive('packed'));
  const host = await startTestHost(t, { fileRoots: [root] });
  await deployFrom(host, 'folder', { ModelDataUrl: `file://${root}/folder` });
  assert.equal((await invoke(host, 'folder')).version, 'in place');
  await deployFrom(host, 'archive', { ModelDataUrl: `file://${root}/model.tar.gz` });
  assert.equal((await invoke(host, 'archive')).version, 'packed');
  const outside = await deployFrom(host, 'outside', { ModelDataUrl: 'file:///etc/passwd' });
  assert.equal(outside.EndpointStatus, 'Failed');
  assert.match(outside.FailureReason ?? '', /outside the folders that this host may read/);
});

test('another S3-compatible store is asked for buckets that the own one has not', async (t) => {
  const store = await startTestHost(t);
  await store.s3.send(new CreateBucketCommand({ Bucket: 'remote' }));
  for (const name of ['a b&+', 'many/1', 'many/2']) {
    await store.s3.send(new PutObjectCommand({ Bucket: 'remote', Key: `${name}.tar.gz`, Body: modelArchive(name) }));
  }
  await store.s3.send(new PutObjectCommand({ Bucket: 'remote', Key: 'tree/version.txt', Body: 'remote tree' }));
  const host = await startTestHost(t, {
    s3Endpoint: store.running.url,
    s3AccessKey: ACCESS_KEY,
    s3SecretKey: SECRET_KEY,
  });
  await deployFrom(host, 'archive', { ModelDataUrl: 's3://remote/a b&+.tar.gz' });
  assert.equal((await invoke(host, 'archive')).version, 'a b&+');
  const tree = { S3Uri: 's3://remote/tree/', S3DataType: 'S3Prefix', CompressionType: 'None' } as const;
  await deployFrom(host, 'tree', { ModelDataSource: { S3DataSource: tree } });
  assert.equal((await invoke(host, 'tree')).version, 'remote tree');
  await deployFrom(host, 'many', { Mode: 'MultiModel', ModelDataUrl: 's3://remote/many' });
  assert.equal((await invoke(host, 'many', { TargetModel: '2.tar.gz' })).version, 'many/2');
  const missing = await deployFrom(host, 'missing', { ModelDataUrl: 's3://nowhere/x.tar.gz' });
  assert.match(missing.FailureReason ?? '', /Failed to download model data from URL "s3:\/\/nowhere\/x\.tar\.gz"/);
});

test('an object store that redirects is not followed', async (t) => {
  const asked: string[] = [];
  const trap = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(307, { location: '/latest/meta-data' }).end();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  t.after(() => trap.close());
  const address = trap.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const host = await startTestHost(t, { s3Endpoint: `http://127.0.0.1:${port}` });
  const endpoint = await deployFrom(host, 'e', { ModelDataUrl: 's3://remote/x.tar.gz' });
  assert.equal(endpoint.EndpointStatus, 'Failed');
  assert.match(endpoint.FailureReason ?? '', /answered 307/);
  assert.deepEqual(asked, ['/remote/x.tar.gz']);
});
