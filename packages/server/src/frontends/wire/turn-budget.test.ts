import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnBudget } from './turn-budget.ts';

/** Work that takes as long as the test says. */
function setUp() {
  let nowMs = 0;
  const order: string[] = [];
  const budget = new TurnBudget(() => nowMs);
  const work = (name: string, ms: number) =>
    budget.run(() => {
      order.push(name);
      nowMs += ms;
    });
  return { order, work };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('work runs at once until the turn has had its time, and then in later turns, in order', async () => {
  const { order, work } = setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e']) work(name, 0.3);
  assert.deepEqual(order, ['a', 'b']);
  await nextTurn();
  assert.deepEqual(order, ['a', 'b', 'c', 'd']);
  work('late', 0);
  assert.deepEqual(order, ['a', 'b', 'c', 'd'], 'nobody overtakes those that wait');
  await nextTurn();
  assert.deepEqual(order, ['a', 'b', 'c', 'd', 'e', 'late']);
});

test('a quiet server holds nothing back', async () => {
  const { order, work } = setUp();
  for (let turn = 0; turn < 3; turn++) {
    work(`turn ${turn}`, 100);
    assert.equal(order.length, turn + 1);
    await nextTurn();
    await nextTurn();
  }
});
