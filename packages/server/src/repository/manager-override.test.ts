import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { throwsStatus } from './test-support/assertions.ts';
import { identityConfig, serve, TemporaryRepository } from './test-support/temporary-repository.ts';

const EXPLICIT = { controlMode: 'explicit' } as const;
const JSON_CONFIG = JSON.stringify({
  backend: 'identity',
  max_batch_size: 2,
  input: [{ name: 'IN', data_type: 'type_fp32', dims: [4] }],
  output: [{ name: 'OUT', dataType: 'TYPE_FP32', dims: ['4'] }],
});
const NOT_POLLED = throwsStatus('INTERNAL', "failed to load 'model', failed to poll from model repository");

const bytes = (text: string) => new TextEncoder().encode(text);

async function repositoryWithOverrides() {
  const repository = await TemporaryRepository.create({
    'models/model/config.pbtxt': identityConfig(),
    'models/model/1/': '',
    'temporary/': '',
  });
  const temporary = `${repository.path}/temporary`;
  const served = serve([`${repository.path}/models`], { ...EXPLICIT, temporaryDirectory: temporary });
  await served.manager.start();
  return { repository, temporary, ...served };
}

describe('a load request with a configuration of its own', () => {
  it('loads with it, and keeps it until the files are newer', async () => {
    const { repository, manager } = await repositoryWithOverrides();
    await using _ = repository;
    const batchSize = () => manager.resolve('model', -1).handle.config.maxBatchSize;
    await manager.load('model');
    assert.equal(batchSize(), 4);
    await manager.load('model', { config: JSON_CONFIG });
    assert.equal(batchSize(), 2);
    await manager.load('model');
    assert.equal(batchSize(), 2);
    await repository.touch('models/model/config.pbtxt');
    await manager.load('model');
    assert.equal(batchSize(), 4);
  });

  it('changes nothing when it is not one', async () => {
    const { repository, manager, log } = await repositoryWithOverrides();
    await using _ = repository;
    await manager.load('model');
    const before = manager.resolve('model', -1);
    const bad = ['{', '[]', '{"nosuch":1}', '{"backend":3}', '{"input":[{"dims":["x"]}]}', '{"max_batch_size":1e99}'];
    for (const config of bad) {
      await assert.rejects(manager.load('model', { config }), NOT_POLLED, config);
      const [line = ''] = log.take();
      assert.match(
        line,
        /^E model_repository_manager.cc\] Poll failed for model directory 'model': Invalid config override: ./,
      );
    }
    await assert.rejects(manager.load('model', { config: '{"name":"other","backend":"identity"}' }), NOT_POLLED);
    await assert.rejects(manager.load('model', { config: '{"backend":"identity","max_batch_size":-1}' }), NOT_POLLED);
    assert.equal(manager.resolve('model', -1), before);
  });

  it('is refused above the size limit, before it is parsed', async () => {
    const { repository, manager, log } = await repositoryWithOverrides();
    await using _ = repository;
    await assert.rejects(manager.load('model', { config: '['.repeat(32 * 1024 * 1024) }), NOT_POLLED);
    assert.match(log.take()[0] ?? '', /Invalid config override: longer than 16777216 bytes$/);
    await assert.rejects(manager.load('model', { config: '['.repeat(1_000_000) }), NOT_POLLED);
  });
});

describe('a load request with files of its own', () => {
  it('loads from them alone and removes them after the unload', async () => {
    const { repository, temporary, manager } = await repositoryWithOverrides();
    await using _ = repository;
    const files = new Map([
      ['2/model.file', bytes('contents')],
      ['labels.txt', bytes('a\n')],
    ]);
    await manager.load('model', { config: JSON_CONFIG, files });
    assert.deepEqual(manager.readyVersions('model'), [2]);
    const { versionDirectory } = manager.resolve('model', -1).context;
    assert.equal(await readFile(`${versionDirectory}/model.file`, 'utf8'), 'contents');
    assert.equal((await readdir(temporary)).length, 1);
    await manager.load('model');
    assert.deepEqual(manager.readyVersions('model'), [1]);
    await manager.load('made-up', { config: JSON_CONFIG, files });
    assert.deepEqual(manager.index(true), [{ name: 'model', version: 1, state: 'READY' }]);
    assert.deepEqual(manager.readyVersions('made-up'), [2]);
    await manager.stop();
    assert.deepEqual(await readdir(temporary), []);
  });

  it('is refused without a configuration', async () => {
    const { repository, temporary, manager, log } = await repositoryWithOverrides();
    await using _ = repository;
    await assert.rejects(manager.load('model', { files: new Map([['1/x', bytes('')]]) }), NOT_POLLED);
    assert.deepEqual(log.take(), [
      "E model_repository_manager.cc] Poll failed for model directory 'model': Load parameter 'config' must be specified for model file override",
    ]);
    assert.deepEqual(await readdir(temporary), []);
  });

  it('never writes outside its own directory', async () => {
    const { repository, temporary, manager, log } = await repositoryWithOverrides();
    await using _ = repository;
    const paths = ['../escaped', '1/../../escaped', '1/x\0y', '../../../../../../../../tmp/escaped', '..'];
    for (const path of paths) {
      const files = new Map([[path, bytes('x')]]);
      await assert.rejects(manager.load('model', { config: JSON_CONFIG, files }), NOT_POLLED, path);
      assert.match(
        log.take()[0] ?? '',
        /Invalid file parameter 'file:.*' with normalized path '.*' must stay within model directory\.$/s,
      );
    }
    for (const path of ['/etc/inside', '', '.', '1']) {
      const files = new Map([
        ['1/x', bytes('x')],
        [path, bytes('x')],
      ]);
      await manager.load('model', { config: JSON_CONFIG, files }).catch(() => undefined);
    }
    await manager.stop();
    assert.deepEqual(await readdir(temporary), []);
    assert.deepEqual((await readdir(repository.path)).sort(), ['models', 'temporary']);
  });
});
