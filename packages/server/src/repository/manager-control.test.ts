import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { StatusError } from '@nereid/protocol';
import { throwsStatus } from './test-support/assertions.ts';
import { ensembleConfig, identityConfig, serve, TemporaryRepository } from './test-support/temporary-repository.ts';

const NESTED = {
  'inner/config.pbtxt': ensembleConfig('model'),
  'inner/1/': '',
  'model/config.pbtxt': identityConfig(),
  'model/1/': '',
  'other/config.pbtxt': ensembleConfig('model'),
  'other/1/': '',
  'outer/config.pbtxt': ensembleConfig('inner', -1, { input: 'X', output: 'Y' }),
  'outer/1/': '',
};
const EXPLICIT = { controlMode: 'explicit' } as const;

describe('load and unload requests', () => {
  it('are refused unless the control mode is explicit', async () => {
    await using repository = await TemporaryRepository.create({});
    for (const controlMode of ['none', 'poll'] as const) {
      const { manager } = serve([repository.path], { controlMode, pollIntervalMs: 1e9 });
      await manager.start();
      const message = 'explicit model load / unload is not allowed if polling is enabled';
      await assert.rejects(manager.load('x'), throwsStatus('UNAVAILABLE', message));
      await assert.rejects(manager.unload('x', { unloadDependents: false }), throwsStatus('UNAVAILABLE', message));
      await manager.stop();
    }
  });

  it('bring the steps of an ensemble along and take them away again', async () => {
    await using repository = await TemporaryRepository.create(NESTED);
    const { manager, loader } = serve([repository.path], EXPLICIT);
    await manager.start();
    assert.deepEqual(manager.index(false), [
      { name: 'inner' },
      { name: 'model' },
      { name: 'other' },
      { name: 'outer' },
    ]);
    await manager.load('outer');
    assert.deepEqual(loader.events, ['load model:1', 'load inner:1', 'load outer:1']);
    await manager.unload('outer', { unloadDependents: true });
    assert.throws(
      () => manager.resolve('model', 1),
      throwsStatus('UNAVAILABLE', "Request for unknown model: 'model' version 1 is not at ready state"),
    );
    await manager.stop();
    assert.deepEqual(loader.events.slice(3), ['unload outer:1', 'unload inner:1', 'unload model:1']);
    const gone = { version: 1, state: 'UNAVAILABLE', reason: 'unloaded' };
    assert.deepEqual(manager.index(false), [
      { name: 'inner', ...gone },
      { name: 'model', ...gone },
      { name: 'other' },
      { name: 'outer', ...gone },
    ]);
    assert.deepEqual(manager.index(true), []);
  });

  it('leave steps that were asked for by name or that another ensemble needs', async () => {
    await using repository = await TemporaryRepository.create(NESTED);
    const { manager } = serve([repository.path], EXPLICIT);
    await manager.start();
    await manager.load('outer');
    await manager.load('other');
    await manager.unload('outer', { unloadDependents: true });
    assert.deepEqual(
      manager.index(true).map((entry) => entry.name),
      ['model', 'other'],
    );
    await manager.load('model');
    await manager.unload('other', { unloadDependents: true });
    assert.deepEqual(
      manager.index(true).map((entry) => entry.name),
      ['model'],
    );
  });

  it('make ensembles unavailable when a step goes, and available when it comes back', async () => {
    await using repository = await TemporaryRepository.create(NESTED);
    const { manager, log } = serve([repository.path], EXPLICIT);
    await manager.start();
    await manager.load('outer');
    await manager.unload('model', { unloadDependents: false });
    await turn();
    assert.deepEqual(manager.index(true), []);
    const missing = 'ensemble inner contains models that are not available or ambiguous: model';
    assert.deepEqual(log.take(), [
      `E model_repository_manager.cc] Invalid argument: ${missing}`,
      `E model_repository_manager.cc] Invalid argument: ensemble 'outer' depends on 'inner' which is not valid. Model 'inner' failed with error: ${missing}`,
    ]);
    await manager.load('model');
    assert.deepEqual(
      manager.index(true).map((entry) => entry.name),
      ['inner', 'model', 'outer'],
    );
  });

  it('say what went wrong', async () => {
    await using repository = await TemporaryRepository.create({
      'bad/config.pbtxt': identityConfig(),
      'bad/1/': '',
      'lonely/config.pbtxt': ensembleConfig('nosuch'),
      'lonely/1/': '',
      'wrong/config.pbtxt': 'name: "right" backend: "identity"',
      'wrong/1/': '',
    });
    const { manager, loader, log } = serve([repository.path], EXPLICIT);
    await manager.start();
    loader.failures.set('bad', new StatusError('INTERNAL', 'no such luck'));
    const reason = 'version 1 is at UNAVAILABLE state: Internal: no such luck;\n';
    await assert.rejects(manager.load('bad'), throwsStatus('INVALID_ARG', `load failed for model 'bad': ${reason}`));
    loader.failures.clear();
    await manager.load('bad');
    assert.deepEqual(manager.readyVersions('bad'), [1]);
    log.take();
    await assert.rejects(
      manager.load('nosuch'),
      throwsStatus('INTERNAL', "failed to load 'nosuch', failed to poll from model repository"),
    );
    assert.deepEqual(log.take(), [
      "E model_repository_manager.cc] failed to poll model 'nosuch': model not found in any model repository.",
    ]);
    const missing = 'ensemble lonely contains models that are not available or ambiguous: nosuch\n';
    await assert.rejects(
      manager.load('lonely'),
      throwsStatus('INVALID_ARG', `load failed for model 'lonely': ${missing}`),
    );
    log.take();
    await assert.rejects(
      manager.load('wrong'),
      throwsStatus('INTERNAL', "failed to load 'wrong', failed to poll from model repository"),
    );
    assert.deepEqual(log.take(), [
      "E model_repository_manager.cc] Poll failed for model directory 'wrong': unexpected directory name 'wrong' for model 'right', directory name must equal model name",
    ]);
    await manager.unload('never heard of', { unloadDependents: true });
  });

  it('wait for each other on the same models and run beside each other on others', async () => {
    await using repository = await TemporaryRepository.create({
      ...NESTED,
      'apart/config.pbtxt': identityConfig(),
      'apart/1/': '',
    });
    const { manager, loader } = serve([repository.path], EXPLICIT);
    await manager.start();
    const gate = Promise.withResolvers<void>();
    loader.beforeLoad = (name) => (name === 'model' ? gate.promise : Promise.resolve());
    const first = manager.load('inner');
    const second = manager.load('other');
    const unload = manager.unload('inner', { unloadDependents: false });
    await manager.load('apart');
    assert.deepEqual(loader.events, ['load apart:1']);
    gate.resolve();
    await Promise.all([first, second, unload]);
    assert.deepEqual(loader.events.filter((event) => event === 'load model:1').length, 1);
    assert.deepEqual(
      manager.index(true).map((entry) => entry.name),
      ['apart', 'model', 'other'],
    );
  });

  it('unload a model while it is still busy', async () => {
    await using repository = await TemporaryRepository.create(NESTED);
    const { manager, loader } = serve([repository.path], { ...EXPLICIT, startupModels: ['inner'] });
    await manager.start();
    assert.equal(manager.startupFailure, undefined);
    const gate = Promise.withResolvers<void>();
    loader.beforeUnload = (name) => (name === 'inner' ? gate.promise : Promise.resolve());
    await manager.unload('inner', { unloadDependents: true });
    assert.equal(manager.state('inner', 1), 'UNLOADING');
    assert.equal(manager.state('model', 1), 'UNLOADING');
    assert.deepEqual(
      loader.events.filter((event) => event.startsWith('unload')),
      [],
    );
    gate.resolve();
    await manager.stop();
    assert.deepEqual(loader.events.slice(-2), ['unload inner:1', 'unload model:1']);
  });
});

describe('repositories added at run time', () => {
  it('serve directories under the names they are mapped to', async () => {
    await using main = await TemporaryRepository.create({});
    await using added = await TemporaryRepository.create({ 'sub/config.pbtxt': identityConfig(), 'sub/1/': '' });
    const { manager } = serve([main.path], { ...EXPLICIT, namespacing: true });
    await manager.start();
    manager.register(added.path, new Map([['sub', 'public-name']]));
    assert.throws(
      () => manager.register(added.path, new Map()),
      throwsStatus('ALREADY_EXISTS', `model repository '${added.path}' has already been registered`),
    );
    assert.throws(
      () => manager.register('/nonexistent', new Map()),
      throwsStatus('INVALID_ARG', "failed to register '/nonexistent', repository not found"),
    );
    assert.throws(
      () => manager.register(main.path.slice(0, main.path.lastIndexOf('/')), new Map([['x', 'public-name']])),
      throwsStatus(
        'ALREADY_EXISTS',
        "failed to register 'public-name', there is a conflicting mapping for 'public-name'",
      ),
    );
    await manager.load('public-name');
    assert.equal(manager.resolve('public-name', -1).context.modelDirectory, `${added.path}/sub`);
    assert.deepEqual(manager.index(false), [{ name: 'public-name', version: 1, state: 'READY' }]);
    await manager.unload('public-name', { unloadDependents: true });
    assert.throws(
      () => manager.resolve('public-name', -1),
      throwsStatus('NOT_FOUND', "Identifier of model 'public-name' is not found in global map"),
    );
    manager.unregister(added.path);
    assert.throws(
      () => manager.unregister(added.path),
      throwsStatus('INVALID_ARG', `failed to unregister '${added.path}', repository not found`),
    );
    assert.deepEqual(manager.index(false), []);
  });

  it('are refused unless the control mode is explicit', () => {
    const { manager } = serve([]);
    const text = (what: string) => `repository ${what} is not allowed if model control mode is not EXPLICIT`;
    assert.throws(() => manager.register('/x', new Map()), throwsStatus('UNSUPPORTED', text('registration')));
    assert.throws(() => manager.unregister('/x'), throwsStatus('UNSUPPORTED', text('unregistration')));
  });
});
