import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { throwsStatus } from './test-support/assertions.ts';
import { identityConfig, serve, TemporaryRepository } from './test-support/temporary-repository.ts';

const EXPLICIT = { controlMode: 'explicit' } as const;
const LABELLED = (file: string) =>
  identityConfig(`output { name: "L" data_type: TYPE_FP32 dims: 2 label_filename: "${file}" }`);

describe('model names in requests', () => {
  it('never lead out of the repository', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': identityConfig(),
      'model/1/': '',
    });
    const { manager } = serve([repository.path], EXPLICIT);
    await manager.start();
    for (const name of [
      '..',
      '.',
      ' .. ',
      '../model',
      'a/../../b',
      '/etc',
      'model/',
      'model\0',
      '../../../../etc/passwd',
    ]) {
      const message = `invalid model name '${name}', model name must not contain path traversal characters`;
      await assert.rejects(manager.load(name), throwsStatus('INVALID_ARG', message));
      await manager.unload(name, { unloadDependents: true });
      assert.throws(
        () => manager.resolve(name, -1),
        throwsStatus('NOT_FOUND', `Request for unknown model: '${name}' is not found`),
      );
    }
    const empty = 'Model name cannot be empty. Please enter a valid name to deploy.';
    await assert.rejects(manager.load(' '), throwsStatus('INVALID_ARG', empty));
    const strange = [
      '%2e%2e',
      '%252e',
      '..\\model',
      'MODEL',
      'mo\u200ddel',
      '\u202eledom',
      '__proto__',
      'constructor',
      'm'.repeat(1000),
    ];
    for (const name of strange) {
      const message = `failed to load '${name}', failed to poll from model repository`;
      await assert.rejects(manager.load(name), throwsStatus('INTERNAL', message));
    }
    await assert.rejects(manager.load('m'.repeat(5000)), /^StatusError: invalid model name 'm{1024}…'/);
    assert.throws(
      () => manager.resolve('model', 2 ** 60),
      throwsStatus('NOT_FOUND', "Request for unknown model: 'model' is not found"),
    );
  });
});

describe('strange things in a model directory', () => {
  it('label files stay inside of it, whatever links say', async () => {
    await using repository = await TemporaryRepository.create({
      'secret.txt': 'secret\n',
      'models/above/config.pbtxt': LABELLED('../../secret.txt'),
      'models/above/1/': '',
      'models/absent/config.pbtxt': LABELLED('nope.txt'),
      'models/absent/1/': '',
      'models/good/config.pbtxt': LABELLED('sub/labels.txt'),
      'models/good/sub/labels.txt': 'zero\none\n',
      'models/good/1/': '',
      'models/linked/config.pbtxt': LABELLED('link.txt'),
      'models/linked/1/': '',
    });
    await symlink(`${repository.path}/secret.txt`, `${repository.path}/models/linked/link.txt`);
    const { manager, log } = serve([`${repository.path}/models`]);
    await manager.start();
    const models = `${repository.path}/models`;
    const outside = (model: string, file: string) =>
      `Unsupported: label file path '${models}/${model}/${file}' for output 'L' in model '${model}' is outside model directory`;
    assert.deepEqual(
      log
        .take()
        .filter((line) => line.startsWith('E'))
        .sort(),
      [
        `E model_lifecycle.cc] failed to load 'above' version 1: ${outside('above', '../../secret.txt')}`,
        `E model_lifecycle.cc] failed to load 'absent' version 1: Internal: failed to open text file for read ${models}/absent/nope.txt: No such file or directory`,
        `E model_lifecycle.cc] failed to load 'linked' version 1: ${outside('linked', 'link.txt')}`,
      ],
    );
    assert.deepEqual(manager.resolve('good', -1).handle.labels('L'), ['zero', 'one']);
    assert.equal(manager.resolve('good', -1).handle.labels('OUT'), undefined);
  });

  it('pipes and devices are refused at once', async () => {
    await using repository = await TemporaryRepository.create({
      'device/1/': '',
      'labels/config.pbtxt': LABELLED('pipe'),
      'labels/1/': '',
      'pipe/1/': '',
    });
    execFileSync('mkfifo', [`${repository.path}/pipe/config.pbtxt`, `${repository.path}/labels/pipe`]);
    await symlink('/dev/zero', `${repository.path}/device/config.pbtxt`);
    const { manager, log } = serve([repository.path]);
    await manager.start();
    const refused = (path: string) =>
      `failed to open text file for read ${repository.path}/${path}: Not a regular file`;
    assert.deepEqual(log.take(), [
      `E model_repository_manager.cc] Poll failed for model directory 'device': ${refused('device/config.pbtxt')}`,
      `E model_repository_manager.cc] Poll failed for model directory 'pipe': ${refused('pipe/config.pbtxt')}`,
      `E model_lifecycle.cc] failed to load 'labels' version 1: Internal: ${refused('labels/pipe')}`,
    ]);
  });

  it('version directories may be links, but not out of the repository', async () => {
    await using repository = await TemporaryRepository.create({
      'elsewhere/': '',
      'models/inside/config.pbtxt': identityConfig(),
      'models/inside/1/': '',
      'models/loop/config.pbtxt': identityConfig(),
      'models/loop/1/': '',
      'models/outside/config.pbtxt': identityConfig(),
    });
    const models = `${repository.path}/models`;
    await symlink('1', `${models}/inside/2`);
    await symlink('..', `${models}/loop/1/again`);
    await symlink(`${repository.path}/elsewhere`, `${models}/outside/1`);
    await symlink('nowhere', `${models}/dangling`);
    const { manager, log } = serve([models]);
    await manager.start();
    assert.deepEqual(manager.readyVersions('inside'), [2]);
    assert.deepEqual(manager.readyVersions('loop'), [1]);
    assert.deepEqual(log.take(), [
      `E model_lifecycle.cc] failed to load 'outside' version 1: Unsupported: version directory '${models}/outside/1' of model 'outside' is outside model repository`,
    ]);
    assert.deepEqual(
      manager.index(false).map((entry) => entry.name),
      ['inside', 'loop', 'outside'],
    );
  });

  it('a configuration above the size limit is refused before it is read', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': `#${'x'.repeat(2000)}`,
      'model/1/': '',
    });
    const { manager, log } = serve([repository.path], { limits: { maxConfigBytes: 1000 } });
    await manager.start();
    const path = `${repository.path}/model/config.pbtxt`;
    assert.deepEqual(log.take(), [
      `E model_repository_manager.cc] Poll failed for model directory 'model': failed to open text file for read ${path}: File too large: 2001 bytes, at most 1000 are read`,
    ]);
  });

  it('a version number that no number can hold is not a version', async () => {
    await using repository = await TemporaryRepository.create({
      'model/config.pbtxt': identityConfig(),
      'model/99999999999999999999/': '',
      'model/3abc/': '',
    });
    const { manager, log } = serve([repository.path]);
    await manager.start();
    assert.deepEqual(manager.readyVersions('model'), [3]);
    assert.deepEqual(log.take(), [
      "W model_lifecycle.cc] ignore version directory '99999999999999999999' which fails to convert to integral number",
    ]);
  });
});
