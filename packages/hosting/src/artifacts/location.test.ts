import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '../test-support/test-host.ts';
import { FileAccessError, FileRoots } from './limited-file.ts';
import { LocationError, parseLocation } from './location.ts';
import { MemberPathError, memberSegments } from './member-path.ts';

test("s3:// and S3's https forms mean the same objects", () => {
  const wanted = { kind: 's3', bucket: 'my-bucket', key: 'a/model.tar.gz' };
  for (const url of [
    's3://my-bucket/a/model.tar.gz',
    'https://my-bucket.s3.amazonaws.com/a/model.tar.gz',
    'https://my-bucket.s3.us-west-2.amazonaws.com/a/model.tar.gz',
    'https://s3.us-west-2.amazonaws.com/my-bucket/a/model.tar.gz',
    'https://s3.amazonaws.com/my-bucket/a/model.tar.gz',
  ]) {
    assert.deepEqual(parseLocation(url), wanted, url);
  }
  assert.deepEqual(parseLocation('file:///models/a%20b'), { kind: 'file', path: '/models/a b' });
});

test('addresses of other servers are never fetched', () => {
  for (const url of [
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:169.254.169.254]/x',
    'https://2852039166/x',
    'https://localhost:9000/x',
    'https://evil.example/my-bucket.s3.amazonaws.com/x',
    'https://my-bucket.s3.amazonaws.com.evil.example/x',
    'https://user@my-bucket.s3.amazonaws.com:80@evil.example/x',
    's3://../x',
    's3://a@b/x',
    's3:///x',
    's3://UPPER/x',
    'ftp://my-bucket/x',
    'file://other-host/etc',
    '/etc/passwd',
    'my-bucket/key',
    's3://my-bucket/a\0b',
  ]) {
    assert.throws(() => parseLocation(url), LocationError, url);
  }
  fc.assert(
    fc.property(fc.webUrl(), (url) => {
      assert.throws(() => parseLocation(url.replace('.s3.', '.x.')), LocationError);
    }),
  );
});

test('file:// is confined to its roots, links followed first', async (t) => {
  const directory = temporaryDirectory(t);
  const root = join(directory, 'models');
  mkdirSync(root);
  mkdirSync(join(directory, 'models-2'));
  writeFileSync(join(root, 'a.tar.gz'), 'x');
  writeFileSync(join(directory, 'secret'), 'x');
  symlinkSync(join(directory, 'secret'), join(root, 'link'));
  const roots = new FileRoots([root]);
  assert.equal((await roots.resolve(join(root, 'a.tar.gz'))).sizeBytes, 1);
  for (const path of [
    '/etc/passwd',
    join(root, '../secret'),
    join(root, 'link'),
    join(root, 'missing'),
    join(directory, 'models-2'),
    '/dev/zero',
  ]) {
    await assert.rejects(roots.resolve(path), FileAccessError, path);
  }
  await assert.rejects(new FileRoots([]).resolve(join(root, 'a.tar.gz')), FileAccessError);
});

test('member paths never leave the folder they are joined to', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (path) => {
      try {
        const joined = join('/base', ...memberSegments(path));
        assert.ok(joined === '/base' || joined.startsWith('/base/'), path);
      } catch (error) {
        assert.ok(error instanceof MemberPathError, String(error));
      }
    }),
  );
  assert.deepEqual(memberSegments('./a//b/./c'), ['a', 'b', 'c']);
});
