import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type ArchiveMember, tar, tarGz, tarHeader, temporaryDirectory } from '../test-support/test-host.ts';
import { ArchiveError, DEFAULT_UNPACK_LIMITS, type UnpackLimits, unpackArchive } from './unpack.ts';

async function unpack(context: TestContext, archive: Buffer, limits: Partial<UnpackLimits> = {}): Promise<string> {
  const directory = join(temporaryDirectory(context), 'model');
  mkdirSync(directory);
  const pieces = Array.from({ length: Math.ceil(archive.length / 1000) }, (_, index) =>
    archive.subarray(index * 1000, (index + 1) * 1000),
  );
  await unpackArchive(
    Readable.from(pieces),
    directory,
    { ...DEFAULT_UNPACK_LIMITS, ...limits },
    new AbortController().signal,
  );
  return directory;
}

function pax(records: string, member: ArchiveMember): Buffer {
  const body = Buffer.from(records);
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return Buffer.concat([tarHeader({ name: 'pax', type: 'x' }, body.length), body, padding, tar([member])]);
}

test("the article's archive: leading './', an empty version folder that must survive, no owner or mode taken over", async (t) => {
  const directory = await unpack(
    t,
    tarGz([
      { name: './' },
      { name: './ensemble/' },
      { name: './ensemble/config.pbtxt', body: 'platform: "ensemble"' },
      { name: './ensemble/1/' },
      { name: './dali/1/model.dali', body: 'x'.repeat(5000) },
    ]),
  );
  assert.deepEqual(readdirSync(join(directory, 'ensemble')).sort(), ['1', 'config.pbtxt']);
  assert.ok(lstatSync(join(directory, 'ensemble/1')).isDirectory());
  assert.equal(readFileSync(join(directory, 'dali/1/model.dali'), 'utf8').length, 5000);
  assert.equal(lstatSync(join(directory, 'ensemble/config.pbtxt')).mode & 0o7777 & ~0o644, 0);
});

const REFUSED: readonly (readonly [string, readonly ArchiveMember[], RegExp])[] = [
  ['a path that leaves', [{ name: '../out', body: 'x' }], /leaves the archive's directory/],
  ['a path that leaves in its middle', [{ name: 'a/../../out', body: 'x' }], /leaves the archive's directory/],
  ['a folder that leaves', [{ name: '../out/' }], /leaves the archive's directory/],
  ['an absolute path', [{ name: '/etc/out', body: 'x' }], /absolute path/],
  ['a Windows path', [{ name: 'C:/out', body: 'x' }], /absolute path/],
  ['a backslash', [{ name: '..\\out', body: 'x' }], /backslash/],
  [
    'a symbolic link, then a file through it',
    [
      { name: 'a', type: '2', link: '/tmp' },
      { name: 'a/out', body: 'x' },
    ],
    /SymbolicLink/,
  ],
  [
    'a hard link',
    [
      { name: 'f', body: 'x' },
      { name: 'a', type: '1', link: '/etc/passwd' },
    ],
    /is a Link/,
  ],
  ['a character device', [{ name: 'a', type: '3' }], /CharacterDevice/],
  ['a block device', [{ name: 'a', type: '4' }], /BlockDevice/],
  ['a FIFO', [{ name: 'a', type: '6' }], /FIFO/],
  ['a sparse file of old GNU tar', [{ name: 'a', type: 'S', body: 'x' }], /kind/],
  ['a sparse file of new GNU tar', [{ name: 'GNUSparseFile.1/a', body: 'x' }], /sparse/],
  [
    'a name twice',
    [
      { name: 'a', body: 'x' },
      { name: './a', body: 'y' },
    ],
    /appears twice/,
  ],
  [
    'a file where a folder is',
    [
      { name: 'a', body: 'x' },
      { name: 'a/b', body: 'y' },
    ],
    /a file in one place and a folder in another/,
  ],
  ['depth', [{ name: `${'a/'.repeat(40)}f`, body: 'x' }], /nested deeper/],
  ['a nameless file', [{ name: '.', type: '0', body: 'x' }], /without a name/],
  ['folders only', [{ name: 'a/' }], /holds no files/],
];

for (const [what, members, message] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    await assert.rejects(unpack(t, tarGz(members)), (error: unknown) => {
      assert.ok(error instanceof ArchiveError, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.ok(!existsSync('/tmp/out') && !existsSync('/etc/out'));
  });
}

test('refused: long names of pax and GNU that leave', async (t) => {
  const record = (text: string): string => {
    let length = text.length;
    while (`${length} ${text}`.length !== length) length = `${length} ${text}`.length;
    return `${length} ${text}`;
  };
  const path = record(`path=${'../'.repeat(3)}${'x'.repeat(200)}\n`);
  await assert.rejects(unpack(t, gzipSync(pax(path, { name: 'short', body: 'x' }))), /leaves|not a valid tar/);
  const long = tar([
    { name: '././@LongLink', type: 'L', body: `../../${'y'.repeat(150)}\0` },
    { name: 'short', body: 'x' },
  ]);
  await assert.rejects(unpack(t, gzipSync(long)), /leaves/);
});

test('refused: more entries, more bytes, a bomb', async (t) => {
  const many = Array.from({ length: 50 }, (_, index) => ({ name: `f${index}`, body: '' }));
  await assert.rejects(unpack(t, tarGz(many), { maxEntries: 20 }), /more than 20 members/);
  await assert.rejects(
    unpack(t, tarGz([{ name: 'zeros', body: Buffer.alloc(3_000_000) }]), { maxUnpackedBytes: 1_000_000 }),
    /more than 1000000 bytes after decompression/,
  );
  await assert.rejects(
    unpack(t, tarGz([{ name: 'f', body: 'x' }]), { minFreeBytes: Number.MAX_SAFE_INTEGER }),
    /disk of this host is full/,
  );
});

test('refused: what is no tar.gz, or is damaged', async (t) => {
  const good = tarGz([{ name: 'f', body: 'x'.repeat(10_000) }]);
  await assert.rejects(unpack(t, Buffer.from('PK\u0003\u0004 a zip')), /not compressed with gzip/);
  await assert.rejects(unpack(t, Buffer.from('<html>')), /not compressed with gzip/);
  await assert.rejects(unpack(t, Buffer.alloc(0)), /is empty/);
  await assert.rejects(
    unpack(t, gzipSync('not a tar archive at all, only text'.repeat(50))),
    /not a valid tar archive/,
  );
  await assert.rejects(unpack(t, good.subarray(0, good.length - 20)), /gzip data is damaged/);
  await assert.rejects(
    unpack(t, gzipSync(tar([{ name: 'f', body: 'x'.repeat(10_000) }]).subarray(0, 3000))),
    ArchiveError,
  );
  await assert.rejects(unpack(t, gzipSync(good)), /not a valid tar archive/);
});

test('no sequence of bytes makes the reader write outside its folder or fail with anything but ArchiveError', async (t) => {
  const root = temporaryDirectory(t);
  const member = fc.record({
    name: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 90 }),
      fc.constantFrom('../x', '/x', 'a/../x', './a', 'a/', 'a', '..', ''),
    ),
    type: fc.constantFrom('0', '1', '2', '5', 'x', 'L', 'g', 'S', 'K', '7'),
    body: fc.string({ maxLength: 20 }),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { maxLength: 4 }),
      fc.array(fc.nat(4000), { maxLength: 3 }),
      async (members, flips) => {
        const bytes = tar(members);
        for (const at of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 0x41;
        const directory = join(root, `run-${++run}`, 'model');
        mkdirSync(directory, { recursive: true });
        const limits = { ...DEFAULT_UNPACK_LIMITS, maxUnpackedBytes: 1_000_000 };
        await unpackArchive(Readable.from([gzipSync(bytes)]), directory, limits, new AbortController().signal).catch(
          (error: unknown) => {
            assert.ok(error instanceof ArchiveError, String(error));
          },
        );
        assert.deepEqual(readdirSync(join(root, `run-${run}`)), ['model']);
      },
    ),
    { numRuns: 150 },
  );
});
