import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from 'tar';
import { obtainAsset } from './asset-cache.ts';
import type { AssetPackage } from './assets.ts';

/** A package with files `data/a.txt` and `data/b.txt` as npm packs it, and an empty cache. */
function setUp(context: TestContext): {
  asset: AssetPackage;
  cache: string;
  fetched: () => number;
  fetchTarball: NonNullable<Parameters<typeof obtainAsset>[2]>;
} {
  const root = mkdtempSync(join(tmpdir(), 'nereid-assets-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'package', 'data'), { recursive: true });
  for (const name of ['a', 'b']) writeFileSync(join(root, 'package', 'data', `${name}.txt`), name);
  const tarball = join(root, 'source.tgz');
  create({ file: tarball, cwd: root, gzip: true, sync: true, portable: true }, ['package']);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}` as const;
  let count = 0;
  const fetchCopy = async (_asset: AssetPackage, folder: string) => {
    count += 1;
    writeFileSync(join(folder, 'copy.tgz'), readFileSync(tarball));
    return join(folder, 'copy.tgz');
  };
  const asset = { name: '@scope/data', version: '1.2.3', integrity, bytes: 1, files: ['data/a.txt'] };
  return { asset, cache: join(root, 'cache'), fetched: () => count, fetchTarball: fetchCopy };
}

test('keeps the wanted files, and fetches once', async (context) => {
  const { asset, cache, fetched, fetchTarball } = setUp(context);
  const folder = await obtainAsset(asset, cache, fetchTarball);
  assert.equal(readFileSync(join(folder, 'data', 'a.txt'), 'utf8'), 'a');
  assert.equal(existsSync(join(folder, 'data', 'b.txt')), false);
  assert.equal(await obtainAsset(asset, cache, fetchTarball), folder);
  assert.equal(fetched(), 1);
  assert.deepEqual(readdirSync(cache), ['@scope+data-1.2.3']);
});

test('a wrong checksum is refused, and nothing is left', async (context) => {
  const { asset, cache, fetchTarball } = setUp(context);
  const wrong: AssetPackage = { ...asset, integrity: 'sha512-AAAA' };
  await assert.rejects(obtainAsset(wrong, cache, fetchTarball), {
    name: 'AssetError',
    message: `@scope/data@1.2.3: the file has checksum ${asset.integrity}, expected sha512-AAAA`,
  });
  assert.deepEqual(readdirSync(cache), []);
});

test('a package without a wanted file is refused', async (context) => {
  const { asset, cache, fetchTarball } = setUp(context);
  await assert.rejects(obtainAsset({ ...asset, files: ['data/a.txt', 'data/c.txt'] }, cache, fetchTarball), {
    message: '@scope/data@1.2.3: the package lacks data/c.txt',
  });
  assert.deepEqual(readdirSync(cache), []);
});

test('two that fetch at the same time both get the folder', async (context) => {
  const { asset, cache, fetchTarball } = setUp(context);
  const [first, second] = await Promise.all([
    obtainAsset(asset, cache, fetchTarball),
    obtainAsset(asset, cache, fetchTarball),
  ]);
  assert.equal(first, second);
  assert.equal(readFileSync(join(first, 'data', 'a.txt'), 'utf8'), 'a');
});
