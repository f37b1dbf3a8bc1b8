import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventData } from './server-sent-events.ts';

async function read(chunks: readonly Uint8Array[], maxBytes = 1000): Promise<string[]> {
  const body = (async function* () {
    yield* chunks;
  })();
  const events: string[] = [];
  for await (const data of eventData(body, maxBytes)) events.push(new TextDecoder().decode(data));
  return events;
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

test('events come out whole, wherever the stream is cut and however lines end', async () => {
  const text = fc.string({ unit: 'grapheme' }).map((data) => data.replaceAll(/[\r\n]/g, ''));
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.array(fc.nat()),
      async (events, newline, places) => {
        const lines = events.map((data) => `: comment${newline}id: 7${newline}data: ${data}${newline}${newline}`);
        const bytes = new TextEncoder().encode(lines.join(''));
        assert.deepEqual(await read(cut(bytes, places)), events);
      },
    ),
  );
});

test('several lines of data are one event; no blank is needed; what has no end is no event', async () => {
  const bytes = new TextEncoder().encode('data:a\ndata: b\n\n\n\nevent: x\n\ndata: never');
  assert.deepEqual(await read([bytes]), ['a\nb']);
});

test('an event beyond the limit is refused, in one line or in many', async () => {
  const encode = (text: string) => [new TextEncoder().encode(text)];
  await assert.rejects(read(encode(`data: ${'x'.repeat(1001)}`)), { code: 'RESOURCE_EXHAUSTED' });
  await assert.rejects(read(encode('data: 1234567890\n'.repeat(101))), { code: 'RESOURCE_EXHAUSTED' });
});
