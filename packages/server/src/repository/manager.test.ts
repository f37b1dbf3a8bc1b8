import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { throwsStatus } from './test-support/assertions.ts';
import { ensembleConfig, identityConfig, serve, TemporaryRepository } from './test-support/temporary-repository.ts';

const OVER_ENSEMBLE = { input: 'X', output: 'Y' };

describe('a repository at start-up', () => {
  it('loads every model, an ensemble after its steps', async () => {
    await using repository = await TemporaryRepository.create({
      'a_ensemble/config.pbtxt': ensembleConfig('b_ensemble', -1, OVER_ENSEMBLE),
      'a_ensemble/1/': '',
      'b_ensemble/config.pbtxt': ensembleConfig('model'),
      'b_ensemble/1/': '',
      'model/config.pbtxt': identityConfig(),
      'model/1/': '',
      'stray.txt': 'not a model',
    });
    const { manager, loader, log } = serve([repository.path]);
    await manager.start();
    assert.equal(manager.startupFailure, undefined);
    assert.deepEqual(loader.events, ['load model:1', 'load b_ensemble:1', 'load a_ensemble:1']);
    assert.deepEqual(manager.index(false), [
      { name: 'a_ensemble', version: 1, state: 'READY' },
      { name: 'b_ensemble', version: 1, state: 'READY' },
      { name: 'model', version: 1, state: 'READY' },
    ]);
    assert.deepEqual(log.lines, []);
    const version = manager.resolve('model', -1);
    assert.equal(version.context.modelDirectory, `${repository.path}/model`);
    assert.equal(version.context.versionDirectory, `${repository.path}/model/1`);
    assert.equal(version.handle.config.instanceGroup[0]?.name, 'model');
    assert.equal(manager.resolve('a_ensemble', 1).handle.config.modelTransactionPolicy?.decoupled, false);
  });

  it('keeps one bad model from taking others down', async () => {
    await using repository = await TemporaryRepository.create({
      'broken/config.pbtxt': identityConfig(),
      'broken/1/': '',
      'ensemble/config.pbtxt': ensembleConfig('broken'),
      'ensemble/1/': '',
      'good/config.pbtxt': identityConfig(),
      'good/1/': '',
      'text/config.pbtxt': 'name: "text"\nmax_batch_size: $',
      'text/1/': '',
    });
    const lines: string[] = [];
    const { manager, loader, log } = serve([repository.path], { onTextFormatError: (line) => lines.push(line) });
    loader.failures.set('broken', new StatusError('INTERNAL', 'no such luck'));
    await manager.start();
    assert.equal(manager.startupFailure?.message, 'failed to load all models');
    assert.deepEqual(lines, [
      '[libprotobuf ERROR google/protobuf/text_format.cc:337] Error parsing text-format inference.ModelConfig: 2:17: Expected integer, got: $',
    ]);
    const reason = 'version 1 is at UNAVAILABLE state: Internal: no such luck;';
    assert.deepEqual(log.lines, [
      `E model_repository_manager.cc] Poll failed for model directory 'text': failed to read text proto from ${repository.path}/text/config.pbtxt`,
      "E model_lifecycle.cc] failed to load 'broken' version 1: Internal: no such luck",
      `E model_repository_manager.cc] Invalid argument: ensemble 'ensemble' depends on 'broken' which has no loaded version. Model 'broken' loading failed with error: ${reason}`,
    ]);
    assert.deepEqual(manager.index(false), [
      { name: 'broken', version: 1, state: 'UNAVAILABLE', reason: 'Internal: no such luck' },
      { name: 'ensemble' },
      { name: 'good', version: 1, state: 'READY' },
      { name: 'text' },
    ]);
    assert.deepEqual(manager.statuses(), [
      { name: 'broken', version: 1, state: 'UNAVAILABLE', reason: 'Internal: no such luck' },
      { name: 'good', version: 1, state: 'READY', reason: '' },
    ]);
    assert.equal(manager.resolve('good', 1).handle.name, 'good');
  });

  it('names what is missing, circular or of the wrong version', async () => {
    await using repository = await TemporaryRepository.create({
      'again/config.pbtxt': ensembleConfig('again', -1, OVER_ENSEMBLE),
      'again/1/': '',
      'left/config.pbtxt': ensembleConfig('right', -1, OVER_ENSEMBLE),
      'left/1/': '',
      'lonely/config.pbtxt': ensembleConfig('nosuch'),
      'lonely/1/': '',
      'model/config.pbtxt': identityConfig(),
      'model/1/': '',
      'over/config.pbtxt': ensembleConfig('lonely', -1, OVER_ENSEMBLE),
      'over/1/': '',
      'right/config.pbtxt': ensembleConfig('left', -1, OVER_ENSEMBLE),
      'right/1/': '',
      'seven/config.pbtxt': ensembleConfig('model', 7),
      'seven/1/': '',
    });
    const { manager, log } = serve([repository.path]);
    await manager.start();
    const prefix = 'E model_repository_manager.cc] Invalid argument: ';
    const missing = 'ensemble lonely contains models that are not available or ambiguous: nosuch';
    assert.deepEqual(
      log.lines.map((line) => line.slice(prefix.length)).sort(),
      [
        'circular dependency between ensembles: again -> ... -> again -> again',
        'circular dependency between ensembles: left -> ... -> right -> left',
        'circular dependency between ensembles: left -> ... -> right -> left',
        missing,
        `ensemble 'over' depends on 'lonely' which is not valid. Model 'lonely' failed with error: ${missing}`,
        "ensemble 'seven' depends on 'model' whose required version 7 is not loaded.",
      ].sort(),
    );
    assert.deepEqual(manager.readyVersions('model'), [1]);
  });

  it('chooses versions by the policy', async () => {
    await using repository = await TemporaryRepository.create({
      'all/config.pbtxt': identityConfig('version_policy { all { } }'),
      'all/1/': '',
      'all/3/': '',
      'all/10/': '',
      'all/01/': '',
      'all/v2/': '',
      'all/warmup/': '',
      'latest/config.pbtxt': identityConfig('version_policy { latest { num_versions: 2 } }'),
      'latest/2/': '',
      'latest/9/': '',
      'latest/10/': '',
      'none/config.pbtxt': identityConfig(),
      'none/old/': '',
      'specific/config.pbtxt': identityConfig('version_policy { specific { versions: [ 1, 4 ] } }'),
      'specific/1/': '',
      'specific/2/': '',
    });
    const { manager, log } = serve([repository.path]);
    await manager.start();
    assert.deepEqual(manager.readyVersions('all'), [1, 3, 10]);
    assert.deepEqual(manager.readyVersions('latest'), [9, 10]);
    assert.deepEqual(manager.readyVersions('specific'), [1]);
    assert.equal(manager.resolve('latest', -1).handle.version, 10);
    assert.deepEqual(
      log.lines,
      [
        "W model_lifecycle.cc] ignore version directory '01' which contains leading zeros in its directory name",
        "W model_lifecycle.cc] ignore version directory 'v2' which fails to convert to integral number",
        "W model_lifecycle.cc] ignore version directory 'old' which fails to convert to integral number",
        "E model_repository_manager.cc] failed to load model 'none': at least one version must be available under the version policy of model 'none'",
        "E model_lifecycle.cc] version 4 is specified for model 'specific', but the version directory is not present",
      ].sort((a, b) => log.lines.indexOf(a) - log.lines.indexOf(b)),
    );
    assert.throws(
      () => manager.resolve('none', -1),
      throwsStatus('NOT_FOUND', "Request for unknown model: 'none' has no available versions"),
    );
    assert.equal(manager.state('none', -1), 'UNAVAILABLE');
    assert.equal(manager.state('latest', -1), 'READY');
    assert.throws(
      () => manager.state('nobody', -1),
      throwsStatus('NOT_FOUND', "Request for unknown model: 'nobody' is not found"),
    );
  });

  it('refuses a model that two repositories have, and serves both with namespacing', async () => {
    const files = { 'model/config.pbtxt': identityConfig(), 'model/1/': '' };
    await using first = await TemporaryRepository.create(files);
    await using second = await TemporaryRepository.create({
      ...files,
      'other/config.pbtxt': identityConfig(),
      'other/1/': '',
    });
    const plain = serve([first.path, second.path]);
    await plain.manager.start();
    assert.deepEqual(plain.log.lines, [
      "E model_repository_manager.cc] failed to poll model 'model': not unique across all model repositories",
    ]);
    assert.deepEqual(plain.manager.index(false), [
      { name: 'model', version: -1, state: 'UNAVAILABLE', reason: 'model appears in two or more repositories' },
      { name: 'other', version: 1, state: 'READY' },
    ]);
    const namespaced = serve([first.path, second.path], { namespacing: true });
    await namespaced.manager.start();
    assert.equal(namespaced.manager.startupFailure, undefined);
    assert.equal(namespaced.manager.resolveStep(first.path, 'model', -1).context.modelDirectory, `${first.path}/model`);
    assert.throws(
      () => namespaced.manager.resolve('model', -1),
      throwsStatus(
        'INVALID_ARG',
        "There are 2 identifiers of model 'model' in global map, model namespace must be provided to resolve ambiguity.",
      ),
    );
    assert.throws(
      () => namespaced.manager.resolve('nosuch', -1),
      throwsStatus('INVALID_ARG', "Request for unknown model: 'nosuch' is not found"),
    );
    assert.equal(namespaced.manager.resolve('other', -1).handle.name, 'other');
  });

  it('reads configs/<name>.pbtxt when asked to, config.pbtxt where there is none', async () => {
    await using repository = await TemporaryRepository.create({
      'one/config.pbtxt': identityConfig(),
      'one/configs/h100.pbtxt': identityConfig('metric_tags { key: "from" value: "custom" }'),
      'one/1/': '',
      'two/config.pbtxt': identityConfig(),
      'two/1/': '',
    });
    const { manager } = serve([repository.path], { modelConfigName: 'h100' });
    await manager.start();
    assert.deepEqual({ ...manager.resolve('one', -1).handle.config.metricTags }, { from: 'custom' });
    assert.deepEqual({ ...manager.resolve('two', -1).handle.config.metricTags }, {});
  });

  it('loads no more versions at the same time than asked to, and tries again as often as asked to', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const files = names.flatMap((name) => [
      [`${name}/config.pbtxt`, identityConfig()],
      [`${name}/1/`, ''],
    ]);
    await using repository = await TemporaryRepository.create(Object.fromEntries(files));
    const { manager, loader, log } = serve([repository.path], { loadThreadCount: 2, loadRetryCount: 2 });
    let loading = 0;
    let most = 0;
    let attempts = 0;
    const two = Promise.withResolvers<void>();
    loader.beforeLoad = async (name) => {
      loading += 1;
      most = Math.max(most, loading);
      if (most === 2) two.resolve();
      // However slow the disk, the first waits for the second; a third would come while they linger.
      await two.promise;
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      loading -= 1;
      if (name === 'c' && ++attempts < 3) throw new StatusError('UNAVAILABLE', 'not yet');
    };
    await manager.start();
    assert.equal(most, 2);
    assert.equal(manager.startupFailure, undefined);
    const line = "E model_lifecycle.cc] failed to load 'c' version 1: Unavailable: not yet";
    assert.deepEqual(log.lines, [line, line]);
  });

  it('gives an ensemble the labels of the step outputs behind its own, unless it has some', async () => {
    const labelled = (file: string) => `output { name: "L" data_type: TYPE_FP32 dims: 2 label_filename: "${file}" }`;
    const steps = `ensemble_scheduling { step { model_name: "model" model_version: -1 input_map { key: "IN" value: "X" }
      output_map { key: "L" value: "A" } output_map { key: "OUT" value: "B" } } }`;
    const outputs = (more: string) =>
      `output { name: "A" data_type: TYPE_FP32 dims: 2 ${more} } output { name: "B" data_type: TYPE_FP32 dims: 4 }`;
    const ensemble = (more: string) =>
      `platform: "ensemble" max_batch_size: 4 input { name: "X" data_type: TYPE_FP32 dims: 4 } ${outputs(more)} ${steps}`;
    await using repository = await TemporaryRepository.create({
      'inherits/config.pbtxt': ensemble(''),
      'inherits/1/': '',
      'model/config.pbtxt': identityConfig(labelled('labels.txt')),
      'model/labels.txt': 'cat\ndog',
      'model/1/': '',
      'own/config.pbtxt': ensemble('label_filename: "own.txt"'),
      'own/own.txt': 'one\ntwo\n',
      'own/1/': '',
    });
    const { manager } = serve([repository.path]);
    await manager.start();
    const labels = (name: string, output: string) => manager.resolve(name, -1).handle.labels(output);
    assert.deepEqual(labels('inherits', 'A'), ['cat', 'dog']);
    assert.equal(labels('inherits', 'B'), undefined);
    assert.deepEqual(labels('own', 'A'), ['one', 'two']);
  });

  it('wants a configuration where the backend makes none', async () => {
    const files = { 'bare.identity/1/': '', 'bare.identity/config.txt': '' };
    await using repository = await TemporaryRepository.create(files);
    const { manager, log } = serve([repository.path]);
    await manager.start();
    assert.deepEqual(log.lines, [
      "E model_lifecycle.cc] failed to load 'bare.identity' version 1: Not found: model configuration is not provided for model 'bare.identity'",
    ]);
    const strict = serve([repository.path], { autoComplete: false });
    await strict.manager.start();
    assert.deepEqual(strict.log.lines, [
      `E model_repository_manager.cc] Poll failed for model directory 'bare.identity': failed to open text file for read ${repository.path}/bare.identity/config.pbtxt: No such file or directory`,
    ]);
  });

  it('rejects for a repository that is not there', async () => {
    const { manager } = serve(['/nonexistent/repository']);
    await assert.rejects(manager.start(), throwsStatus('INTERNAL', 'failed to stat file /nonexistent/repository'));
  });

  it('rejects a wildcard among others', async () => {
    await using repository = await TemporaryRepository.create({});
    const { manager } = serve([repository.path], { controlMode: 'explicit', startupModels: ['*', 'a'] });
    const message = "Wildcard model name '*' must be the ONLY startup model if specified at all.";
    await assert.rejects(manager.start(), throwsStatus('INVALID_ARG', message));
  });
});
