import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { ContentHashes } from './content-hash.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file, and a clock that has gone on for a minute since it was written. */
function setUp(context: { after(run: () => void): void }): { file: string; hashes: ContentHashes; records: string } {
  const root = mkdtempSync(join(tmpdir(), 'content-hash-'));
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 });
  context.after(() => {
    mock.timers.reset();
    rmSync(root, { recursive: true });
  });
  const file = join(root, 'file');
  writeFileSync(file, 'one');
  const records = join(root, 'hashes');
  return { file, hashes: new ContentHashes(records), records };
}

test('a hash is remembered until the file changes', async (context) => {
  const { file, hashes, records } = setUp(context);
  assert.equal(await hashes.of(file), sha256('one'));
  const [record] = readdirSync(records) as [string];
  // What is remembered is what is answered: no second look at the content.
  const known = JSON.parse(readFileSync(join(records, record), 'utf8'));
  writeFileSync(join(records, record), JSON.stringify({ ...known, sha256: sha256('remembered') }));
  assert.equal(await hashes.of(file), sha256('remembered'));
  writeFileSync(file, 'two');
  assert.equal(await hashes.of(file), sha256('two'));
});

test('setting the times back does not hide a change', async (context) => {
  const { file, hashes } = setUp(context);
  const then = new Date(1_000_000_000_000);
  utimesSync(file, then, then);
  assert.equal(await hashes.of(file), sha256('one'));
  writeFileSync(file, 'two');
  utimesSync(file, then, then);
  assert.equal(await hashes.of(file), sha256('two'));
});

test('a file that has just changed is not remembered', async (context) => {
  const { file, hashes, records } = setUp(context);
  mock.timers.reset();
  assert.equal(await hashes.of(file), sha256('one'));
  assert.throws(() => readdirSync(records), { code: 'ENOENT' });
});

test('damaged records are ignored and replaced', async (context) => {
  const { file, hashes, records } = setUp(context);
  await hashes.of(file);
  const [record] = readdirSync(records) as [string];
  const good = readFileSync(join(records, record), 'utf8');
  for (const damage of [
    '',
    'null',
    '{"identity":1}',
    good.slice(0, -8),
    good.replace(/"sha256":"../, '"sha256":"zz'),
  ]) {
    writeFileSync(join(records, record), damage);
    assert.equal(await hashes.of(file), sha256('one'));
    assert.equal(readFileSync(join(records, record), 'utf8'), good);
  }
});

test('a file that is not there is an error', async (context) => {
  const { file, hashes } = setUp(context);
  await assert.rejects(hashes.of(`${file}.absent`), { code: 'ENOENT' });
});
