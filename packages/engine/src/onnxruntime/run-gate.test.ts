import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RunGate } from './run-gate.ts';

describe('RunGate', () => {
  it('starts all in order and never more than the limit at once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.boolean(), { maxLength: 200 }), (limit, steps) => {
        const gate = new RunGate(limit);
        const started: number[] = [];
        let entered = 0;
        let running = 0;
        const leave = (): void => {
          running--;
          gate.leave();
        };
        for (const enters of steps) {
          if (enters) {
            const id = entered++;
            gate.enter(() => {
              started.push(id);
              running++;
            });
          } else if (running > 0) leave();
          assert.ok(running <= limit);
        }
        while (running > 0) leave();
        assert.deepEqual(
          started,
          Array.from({ length: entered }, (_, id) => id),
        );
      }),
    );
  });
});
