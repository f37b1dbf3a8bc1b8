import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateModelCommand } from '@aws-sdk/client-sagemaker';
import fc from 'fast-check';
import {
  BUCKET,
  createConfig,
  createEndpoint,
  createModel,
  invoke,
  type Report,
  variant,
} from '../test-support/deploy.ts';
import { IMAGE, modelArchive, startTestHost } from '../test-support/test-host.ts';
import { MultiModelCache } from './multi-model-cache.ts';

test('several models behind one endpoint: loaded on first use, evicted by use, errors of one leave the others alone', async (t) => {
  const host = await startTestHost(t);
  await createModel(host, 'any');
  for (const name of ['a', 'b', 'sub/c'])
    await host.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `many/${name}.tar.gz`, Body: modelArchive(name) }));
  await host.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'many/broken.tar.gz', Body: 'no archive' }));
  await host.sagemaker.send(
    new CreateModelCommand({
      ModelName: 'many',
      PrimaryContainer: {
        Image: IMAGE,
        Mode: 'MultiModel',
        ModelDataUrl: `s3://${BUCKET}/many/`,
        Environment: { FAKE_MAX_MODELS: '2' },
      },
    }),
  );
  await createConfig(host, 'many', [variant('many')]);
  await createEndpoint(host, 'many');
  const ask = (TargetModel: string): Promise<Report> => invoke(host, 'many', { TargetModel });
  const first = await ask('a.tar.gz');
  assert.equal(first.version, 'a');
  assert.equal(first.headers['x-amzn-sagemaker-target-model'], 'a.tar.gz');
  const versions = await Promise.all(
    ['b.tar.gz', 'a.tar.gz', 'b.tar.gz', 'sub/c.tar.gz'].map(async (target) => (await ask(target)).version),
  );
  assert.deepEqual(versions, ['b', 'a', 'b', 'sub/c'], 'a container that says 507 gets room');
  await assert.rejects(ask('broken.tar.gz'), { name: 'ValidationError', message: /not compressed with gzip/ });
  await assert.rejects(ask('none.tar.gz'), {
    name: 'ValidationError',
    message: /Failed to download model data from URL "s3:\/\/models\/many\/none\.tar\.gz"/,
  });
  for (const target of ['../models/any.tar.gz', '/etc/x', 'a/../../x', '..', 'a\\..\\b', './../x', 'a//b']) {
    await assert.rejects(ask(target), { name: 'ValidationError', message: /at 'targetModel' failed/ }, target);
  }
  await host.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'many/late.tar.gz', Body: modelArchive('late') }));
  assert.equal((await ask('late.tar.gz')).version, 'late', 'new archives are usable without an update');
  await assert.rejects(invoke(host, 'many'), { name: 'ValidationError', message: /TargetModel header is required/ });
});

test('the least recently used model that nobody uses goes first', async () => {
  const unloaded: string[] = [];
  const cache = new MultiModelCache({ maxBytes: 30, unload: async (model) => void unloaded.push(model) });
  const use = async (model: string, bytes = 10): Promise<() => void> => {
    const one = cache.use(model, bytes, async () => undefined);
    await one.ready;
    return () => one.release();
  };
  const releaseA = await use('a');
  (await use('b'))();
  (await use('c'))();
  (await use('b'))();
  (await use('d'))();
  assert.deepEqual(unloaded, ['c'], 'a is in use, b was used later');
  releaseA();
  (await use('huge', 100))();
  assert.deepEqual([...cache.models], ['huge'], 'one that is larger than the budget is tried alone');
});

test('the budget holds whatever is used in whatever order; a load runs once for all who wait', async () => {
  const action = fc.record({ model: fc.constantFrom('a', 'b', 'c', 'd', 'e'), holds: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
      const loaded = new Set<string>();
      const cache = new MultiModelCache({
        maxBytes: 2,
        unload: async (model) => {
          assert.ok(loaded.delete(model), 'only what is loaded is unloaded');
        },
      });
      const releases: (() => void)[] = [];
      for (const { model, holds } of actions) {
        if (releases.length > 1) for (const release of releases.splice(0)) release();
        const load = async (): Promise<void> => {
          assert.ok(!loaded.has(model), 'nothing is loaded twice');
          loaded.add(model);
          assert.ok(loaded.size <= 2, 'the budget');
        };
        const [first, second] = [cache.use(model, 1, load), cache.use(model, 1, load)];
        await Promise.all([first.ready, second.ready]);
        second.release();
        if (holds) releases.push(() => first.release());
        else first.release();
      }
    }),
    { numRuns: 60 },
  );
});

test('a load that fails is tried again by the next request', async () => {
  const cache = new MultiModelCache({ maxBytes: 10, unload: async () => undefined });
  const first = cache.use('a', 1, () => Promise.reject(new Error('broken')));
  await assert.rejects(first.ready, /broken/);
  first.release();
  const second = cache.use('a', 1, async () => undefined);
  await second.ready;
  assert.equal(second.wasCached, false);
});
