import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WatchedFiles } from './watched-files.ts';

function watch(context: TestContext) {
  const file = join(tmpdir(), `nereid-watched-${randomUUID()}`);
  writeFileSync(file, 'one');
  let noticed = Promise.withResolvers<void>();
  const link = `${file}-link`;
  symlinkSync(file, link);
  const watched = new WatchedFiles([`${file}-nothing`, link], () => noticed.resolve(), 5);
  context.after(() => {
    watched.close();
    for (const path of [file, link, `${file}-nothing`]) rmSync(path, { force: true });
  });
  const change = async (action: () => void): Promise<void> => {
    noticed = Promise.withResolvers<void>();
    action();
    await noticed.promise;
  };
  return { file, link, change };
}

test('files that are written, replaced, linked elsewhere, removed and made', async (context) => {
  const { file, link, change } = watch(context);
  await change(() => writeFileSync(file, 'two!'));
  await change(() => {
    writeFileSync(`${file}-new`, 'six!');
    renameSync(`${file}-new`, file);
  });
  await change(() => {
    writeFileSync(`${file}-nothing`, 'now it is there');
  });
  await change(() => {
    rmSync(link);
    symlinkSync(`${file}-nothing`, link);
  });
  await change(() => rmSync(`${file}-nothing`));
  assert.ok(true, 'every change was noticed');
});
