import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Progress, packRepository, showHosting } from 'nereid/quickstart';
import { temporaryDirectory } from '../support/command.ts';
import { BRIGHT_IMAGE, writeAddSub, writeTestRepository } from '../support/model-repository.ts';

const ENTRY_POINT = fileURLToPath(new URL('../../packages/nereid/src/main.ts', import.meta.url));

function recorded(): { progress: Progress; text: () => string } {
  let text = '';
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { progress: new Progress(out as NodeJS.WriteStream), text: () => text };
}

test('the hosting part of quickstart: archive, store, endpoint, both kinds of requests, all deleted', async (context) => {
  const directory = temporaryDirectory(context);
  const modelRepository = join(directory, 'model_repository');
  writeTestRepository(modelRepository);
  const { progress, text } = recorded();
  const host = await showHosting(progress, {
    modelRepository,
    defaultModel: 'image_ensemble',
    directory,
    entryPoint: ENTRY_POINT,
    image: BRIGHT_IMAGE,
    labels: ['dark', 'bright'],
    shown: (path) => path,
    port: 0,
  });
  assert.ok(host, text());
  await host.stop();
  assert.equal(await host.exited, 0);
  assert.deepEqual(
    [...text().matchAll(/^ {2}invoke_endpoint, (.+)\n.+\n +[\d.]+ % {3}(.+)$/gm)].map(([, type, best]) => [type, best]),
    [
      ['application/octet-stream', 'bright'],
      ['application/vnd.sagemaker-triton.binary+json;json-header-size=…', 'bright'],
    ],
  );
  assert.match(text(), /✓ delete_model, delete_endpoint_config, delete_endpoint/);
  const script = readFileSync(join(directory, 'sagemaker.py'), 'utf8');
  assert.ok(script.includes(JSON.stringify(join(directory, 'model.tar.gz'))));
  assert.ok(text().includes(`export AWS_ENDPOINT_URL=${host.clientEnvironment.AWS_ENDPOINT_URL}`));
  assert.ok(existsSync(join(directory, 'photograph.jpg')));
});

test('a repository is packed again only when it has changed', async (context) => {
  const directory = temporaryDirectory(context);
  const [repository, archive] = [join(directory, 'repository'), join(directory, 'model.tar.gz')];
  writeAddSub(repository);
  await packRepository(repository, archive);
  const first = statSync(archive).ino;
  await packRepository(repository, archive);
  assert.equal(statSync(archive).ino, first);
  writeAddSub(repository, 'another');
  await packRepository(repository, archive);
  assert.notEqual(statSync(archive).ino, first);
});
