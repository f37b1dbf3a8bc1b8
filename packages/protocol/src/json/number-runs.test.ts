import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RunResult, readByteRun } from './number-runs.ts';

/** Reads `text` as a run and answers what was stored and the text that is left. */
function read(text: string, room: number): { values: number[]; rest: string } {
  const bytes = Buffer.from(`${text}\0`);
  const run = new RunResult();
  const out = new Uint8Array(room);
  readByteRun(bytes, bytes.length - 1, out, room, run);
  return { values: [...out.subarray(0, run.count)], rest: text.slice(run.pos) };
}

const byte = fc.integer({ min: 0, max: 255 });
const separator = fc.constantFrom(',', ', ');

test('a run of bytes is read up to its last comma, however it is spaced and however long it is', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(byte, separator), { maxLength: 200 }), (items) => {
      const text = items.map(([value, between]) => `${value}${between}`).join('');
      const { values, rest } = read(text, items.length);
      assert.deepEqual(
        values,
        items.map(([value]) => value),
      );
      assert.equal(rest, '');
    }),
  );
});

test('a run stops in front of the first thing that is not a plain byte, and stores nothing of it', () => {
  const odd = fc.constantFrom(
    '-1,',
    '01,',
    '1.5,',
    '1000,',
    '1e2,',
    '[1,',
    ']',
    '"1",',
    '1:2,',
    '/,',
    ',',
    '7 ,',
    '\u00e9,',
  );
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 120 }),
      odd,
      fc.array(byte, { maxLength: 40 }),
      (before, stopper, after) => {
        const tail = `${stopper}${after.map((value) => `${value},`).join('')}`;
        const { values, rest } = read(`${before.map((value) => `${value},`).join('')}${tail}`, 1000);
        assert.deepEqual(values, before);
        assert.equal(Buffer.from(rest).length, Buffer.from(tail).length);
      },
    ),
  );
});

test('a run stops in front of the value for which there is no room', () => {
  const text = '5,'.repeat(100);
  assert.equal(read(text, 40).rest, '5,'.repeat(60));
});

test('values above 255 wrap around as they do in the real server', () => {
  const text = `${'256,999,'.repeat(20)}`;
  assert.deepEqual(read(text, 40).values.slice(0, 2), [0, 231]);
});
