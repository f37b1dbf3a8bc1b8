import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toBase64 } from './base64.ts';
import { readBody } from './read-body.ts';
import type { HttpResponse } from './transport.ts';

function response(chunks: readonly Uint8Array[], headers: Record<string, string> = {}): HttpResponse {
  const body = (async function* () {
    yield* chunks;
  })();
  return { status: 200, headers: new Headers(headers), body, cancel() {} };
}

test('the bytes come out, aligned where it was asked, whatever length is claimed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 8 }),
      fc.nat(20),
      fc.option(fc.nat(100_000)),
      async (chunks, alignAt, claimed) => {
        const headers: Record<string, string> = claimed === null ? {} : { 'content-length': String(claimed) };
        const bytes = await readBody(response(chunks, headers), { maxBytes: 1 << 20, alignAt });
        assert.deepEqual(Buffer.from(bytes), Buffer.concat(chunks));
        assert.equal((bytes.byteOffset + alignAt) % 8, 0);
      },
    ),
    { numRuns: 50 },
  );
});

test('a claim is not believed: memory follows what comes', async () => {
  const bytes = await readBody(response([new Uint8Array(10)], { 'content-length': String(2 ** 31 - 1) }), {
    maxBytes: 2 ** 31,
  });
  assert.equal(bytes.byteLength, 10);
  assert.ok(bytes.buffer.byteLength <= 1 << 26);
});

test('base64 is as Buffer prints it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
    }),
  );
});
