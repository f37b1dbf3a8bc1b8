import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { locateModel } from './model-directory.ts';

let root = '';
before(() => {
  root = mkdtempSync(join(tmpdir(), 'nereid-model-directory-'));
});
after(() => rmSync(root, { recursive: true, force: true }));

/** An unpacked archive; configurations by directory, undefined for a directory without one. */
function archive(name: string, models: Readonly<Record<string, string | undefined>>): string {
  const directory = join(root, name, 'model');
  for (const [model, config] of Object.entries(models)) {
    mkdirSync(join(directory, model), { recursive: true });
    if (config !== undefined) writeFileSync(join(directory, model, 'config.pbtxt'), config);
  }
  return directory;
}

test('an archive is served by its ensemble, else by its last configured model, else by its last directory', async () => {
  const located = async (name: string, models: Readonly<Record<string, string | undefined>>) =>
    (await locateModel(archive(name, models))).subdirectory;
  assert.equal(await located('ensemble', { a: '', b: 'platform: "ensemble"', c: '' }), 'b');
  assert.equal(await located('models', { a: '', b: '', c: undefined }), 'b');
  assert.equal(await located('bare', { a: undefined, b: undefined }), 'b');
  assert.equal(await located('empty', {}), '');
});

test('a directory with a configuration is the model itself', async () => {
  const directory = archive('itself', { '.': 'backend: "identity"', '1': undefined });
  assert.deepEqual(await locateModel(directory), { repository: join(root, 'itself'), subdirectory: 'model' });
});

test('a pipe in place of a configuration is passed over without waiting for it', async () => {
  const directory = archive('pipe', { a: '', b: undefined });
  execFileSync('mkfifo', [join(directory, 'b', 'config.pbtxt')]);
  assert.equal((await locateModel(directory)).subdirectory, 'a');
});
