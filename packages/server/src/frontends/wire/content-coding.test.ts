import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { requestCoding, responseCoding, Unpacker, unpack } from './content-coding.ts';

test('the first coding with the highest weight is chosen', () => {
  const choices: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['gzip, deflate', 'gzip'],
    ['deflate, gzip', 'deflate'],
    ['gzip;q=0.5, deflate;q=0.8', 'deflate'],
    ['gzip;q=0, deflate;q=0', 'identity'],
    ['identity;q=1, gzip;q=0.9', 'identity'],
    ['*', 'identity'],
    ['br', 'identity'],
    ['GZIP', 'identity'],
    ['gzip;q=x, deflate', 'deflate'],
    [';q=1, gzip;q=0.1', 'gzip'],
    ['   ', 'identity'],
  ];
  for (const [header, coding] of choices) assert.equal(responseCoding(header), coding, header);
});

test('names of codings are taken literally', () => {
  assert.equal(requestCoding(undefined), 'identity');
  assert.equal(requestCoding('gzip'), 'gzip');
  for (const name of ['GZIP', 'br', 'gzip, deflate', 'x-gzip']) assert.equal(requestCoding(name), undefined, name);
});

function unpacked(body: Buffer, maxBytes = 1 << 20): Promise<string> {
  return new Promise((resolve) => {
    unpack(body, maxBytes, (error, bytes) =>
      resolve(error === undefined ? bytes.toString() : `${error.code}: ${error.message}`),
    );
  });
}

test('gzip and zlib streams are unpacked, small and large', async () => {
  const large = Array.from({ length: 20_000 }, (_, index) => String(index * 7919)).join();
  for (const text of ['hello', large]) {
    assert.equal(await unpacked(gzipSync(text)), text);
    assert.equal(await unpacked(deflateSync(text)), text);
  }
  assert.equal(
    await unpacked(gzipSync(large), 1000),
    'INVALID_ARG: Decompressed data size exceeds the maximum allowed value of 1000 bytes. Use --http-max-input-size to increase the limit.',
  );
});

test('damage is not reported: what was unpacked before it is the body', async () => {
  assert.equal(await unpacked(Buffer.from('plain text')), '');
  assert.equal(await unpacked(deflateRawSync('hello hello hello')), '');
  assert.equal(await unpacked(gzipSync('hello').subarray(0, 10)), '');
  const wrongChecksum = gzipSync('hello');
  wrongChecksum.writeUInt32LE(7, wrongChecksum.length - 8);
  assert.equal(await unpacked(wrongChecksum), 'hello');
  const text = Array.from({ length: 5000 }, (_, index) => String(index * 7919)).join();
  const half = await unpacked(gzipSync(text).subarray(0, 8000));
  assert.ok(half.length > 1000 && text.startsWith(half));
});

test('many bombs at once are refused one after the other, while small bodies do not wait', async () => {
  const unpacker = new Unpacker();
  const bomb = gzipSync(Buffer.alloc(8_000_000));
  const outcomes: string[] = [];
  const bombs = Array.from(
    { length: 20 },
    () =>
      new Promise<void>((resolve) => {
        unpacker.unpack(bomb, 4_000_000, (error) => {
          outcomes.push(error?.code ?? 'unpacked');
          resolve();
        });
      }),
  );
  unpacker.unpack(gzipSync('small'), 1000, (_error, bytes) => outcomes.push(bytes.toString()));
  assert.deepEqual(outcomes, ['small']);
  await Promise.all(bombs);
  assert.deepEqual(outcomes, ['small', ...bombs.map(() => 'INVALID_ARG')]);
});
