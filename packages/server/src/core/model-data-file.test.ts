import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readModelData } from './model-data-file.ts';

describe('data files of a model', () => {
  const root = mkdtempSync(join(tmpdir(), 'nereid-data-file-'));
  const directory = join(root, 'warmup');
  mkdirSync(directory);
  after(() => rmSync(root, { recursive: true }));

  test('are read', async () => {
    writeFileSync(join(directory, 'sample'), 'abc');
    assert.equal(Buffer.from(await readModelData(directory, 'sample')).toString(), 'abc');
  });

  test("that are not there are named in Triton's words", async () => {
    const message = `failed to open text file for read ${join(directory, 'none')}: No such file or directory`;
    await assert.rejects(readModelData(directory, 'none'), { code: 'INTERNAL', message });
  });

  test('stay inside, and are files', async () => {
    writeFileSync(join(root, 'secret'), 'x');
    symlinkSync(join(root, 'secret'), join(directory, 'link'));
    symlinkSync('/dev/zero', join(directory, 'device'));
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    mkdirSync(join(directory, 'folder'));
    for (const file of ['../secret', 'link', 'device', '/etc/passwd', '..', '']) {
      await assert.rejects(readModelData(directory, file), { code: 'INVALID_ARG' }, file);
    }
    for (const file of ['pipe', 'folder']) {
      await assert.rejects(readModelData(directory, file), { message: /Not a regular file$/ }, file);
    }
  });
});
