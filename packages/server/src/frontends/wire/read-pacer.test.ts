import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ReadPacer } from './read-pacer.ts';

class FakeStream {
  paused = false;
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

test('streams are held back once a turn has had enough, and go on in the next', async () => {
  const pacer = new ReadPacer(1_048_576);
  const [first, second] = [new FakeStream(), new FakeStream()];
  for (let read = 0; read < 16; read++) pacer.took(first, 65_536, 65_536);
  assert.equal(first.paused, false);
  pacer.took(second, 1, 1);
  assert.deepEqual([first.paused, second.paused], [false, true]);
  await nextTurn();
  assert.equal(second.paused, false);
});

test('of very many streams a few go on in each turn', async () => {
  const pacer = new ReadPacer(1_048_576);
  const streams = Array.from({ length: 40 }, () => new FakeStream());
  pacer.took(new FakeStream(), 2_000_000, 2_000_000);
  for (const stream of streams) pacer.took(stream, 65_536, 65_536);
  const held = () => streams.filter(({ paused }) => paused).length;
  assert.equal(held(), 40);
  await nextTurn();
  const afterOne = held();
  assert.ok(afterOne > 0 && afterOne < 40);
  while (held() > 0) await nextTurn();
});
