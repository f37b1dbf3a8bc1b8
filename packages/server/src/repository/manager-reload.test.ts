import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { ensembleConfig, identityConfig, serve, TemporaryRepository } from './test-support/temporary-repository.ts';

const POLL = { controlMode: 'poll', pollIntervalMs: 1e9 } as const;
const ONE = { 'model/config.pbtxt': identityConfig(), 'model/1/file': 'one' };

describe('a model whose files change', () => {
  it('serves the old version until the new one is ready', async () => {
    await using repository = await TemporaryRepository.create(ONE);
    const { manager, loader } = serve([repository.path], POLL);
    await manager.start();
    const old = manager.resolve('model', -1);
    await repository.write({ 'model/2/file': 'two' });
    await repository.touch('model/2');
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    loader.beforeLoad = () => {
      reached.resolve();
      return gate.promise;
    };
    const poll = manager.poll();
    await reached.promise;
    assert.equal(manager.resolve('model', -1), old);
    assert.equal(old.unloaded, false);
    assert.deepEqual(manager.index(false), [
      { name: 'model', version: 1, state: 'READY' },
      { name: 'model', version: 2, state: 'LOADING' },
    ]);
    gate.resolve();
    await poll;
    assert.equal(manager.resolve('model', -1).handle.version, 2);
    await manager.stop();
    assert.deepEqual(loader.events, ['load model:1', 'load model:2', 'unload model:1', 'unload model:2']);
  });

  it('goes on as it was when the reload fails', async () => {
    await using repository = await TemporaryRepository.create(ONE);
    const { manager, loader, log } = serve([repository.path], POLL);
    await manager.start();
    const old = manager.resolve('model', -1);
    loader.failures.set('model', new StatusError('INTERNAL', 'worse than before'));
    await repository.touch('model/1/file');
    await manager.poll();
    assert.equal(manager.resolve('model', -1), old);
    assert.deepEqual(log.take(), [
      "E model_lifecycle.cc] failed to load 'model' version 1: Internal: worse than before",
    ]);
    assert.deepEqual(manager.index(false), [{ name: 'model', version: 1, state: 'READY' }]);
    loader.failures.clear();
    await manager.poll();
    assert.notEqual(manager.resolve('model', -1), old);
    await manager.stop();
  });

  it('goes on as it was when its configuration breaks', async () => {
    await using repository = await TemporaryRepository.create(ONE);
    const lines: string[] = [];
    const { manager, log } = serve([repository.path], { ...POLL, onTextFormatError: (line) => lines.push(line) });
    await manager.start();
    const old = manager.resolve('model', -1);
    await repository.write({ 'model/config.pbtxt': identityConfig('max_batch_size: 9') });
    await repository.touch('model/config.pbtxt');
    assert.equal(await manager.poll(), false);
    assert.equal(manager.resolve('model', -1), old);
    assert.match(lines.join(), /2:117: Non-repeated field "max_batch_size" is specified multiple times\.$/);
    assert.deepEqual(log.take(), [
      `E model_repository_manager.cc] Poll failed for model directory 'model': failed to read text proto from ${repository.path}/model/config.pbtxt`,
    ]);
    await manager.stop();
  });

  it('keeps the versions whose files did not change when only the policy does', async () => {
    await using repository = await TemporaryRepository.create({ ...ONE, 'model/2/file': 'two' });
    const { manager, loader } = serve([repository.path], POLL);
    await manager.start();
    const second = manager.resolve('model', 2);
    await repository.write({ 'model/config.pbtxt': identityConfig('version_policy { all { } }') });
    await repository.touch('model/config.pbtxt');
    await manager.poll();
    assert.deepEqual(manager.readyVersions('model'), [1, 2]);
    assert.equal(manager.resolve('model', 2), second);
    assert.deepEqual(loader.events, ['load model:2', 'load model:1']);
    await manager.stop();
  });

  it('takes its ensembles along, and models come and go with their directories', async () => {
    await using repository = await TemporaryRepository.create({
      ...ONE,
      'ensemble/config.pbtxt': ensembleConfig('model'),
      'ensemble/1/': '',
    });
    const { manager, loader } = serve([repository.path], POLL);
    await manager.start();
    assert.equal(await manager.poll(), true);
    assert.deepEqual(loader.events, ['load model:1', 'load ensemble:1']);
    await repository.touch('model/1/file');
    await manager.poll();
    assert.deepEqual(
      loader.events.slice(2).filter((event) => event.startsWith('load')),
      ['load model:1', 'load ensemble:1'],
    );
    await repository.remove('ensemble');
    await repository.write({ 'new/config.pbtxt': identityConfig(), 'new/1/': '' });
    await manager.poll();
    assert.deepEqual(
      manager.index(true).map((entry) => entry.name),
      ['model', 'new'],
    );
    await manager.stop();
  });

  it('drops all new versions when one of them fails', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': identityConfig('version_policy { all { } }'),
      'model/1/file': '',
      'model/2/file': '',
    });
    const { manager, loader } = serve([repository.path], POLL);
    loader.failures.set('model:2', new StatusError('INTERNAL', 'only one works'));
    await manager.start();
    await manager.stop();
    assert.deepEqual(manager.index(false), [
      { name: 'model', version: 1, state: 'UNAVAILABLE', reason: 'unloaded' },
      { name: 'model', version: 2, state: 'UNAVAILABLE', reason: 'Internal: only one works' },
    ]);
  });
});
