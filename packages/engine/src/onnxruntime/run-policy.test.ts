import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RunPolicy } from './run-policy.ts';

/** Runs `count` times a model that takes `inlineMs`, with a hop of 0.05 ms when it is not inline. Returns how many ran inline. */
function simulate(policy: RunPolicy, size: number, inlineMs: number, count: number): number {
  let inline = 0;
  for (let run = 0; run < count; run++) {
    if (policy.runsInline(size)) {
      inline++;
      policy.recordInline(size, inlineMs);
    } else {
      policy.recordAsync(size, inlineMs + 0.05);
    }
  }
  return inline;
}

describe('RunPolicy', () => {
  it('keeps to a mode that was chosen', () => {
    assert.equal(new RunPolicy('inline').runsInline(1), true);
    assert.equal(simulate(new RunPolicy('async'), 1, 0.001, 100), 0);
  });

  it('runs a short model inline after two runs on the pool', () => {
    assert.equal(simulate(new RunPolicy('auto'), 64, 0.01, 100), 98);
  });

  it('never runs a long model inline', () => {
    assert.equal(simulate(new RunPolicy('auto'), 64, 5, 1000), 0);
  });

  it('tries a model in between ever more rarely', () => {
    const inline = simulate(new RunPolicy('auto'), 64, 0.5, 10_000);
    assert.ok(inline > 0 && inline < 15, `${inline} trials`);
  });

  it('measures sizes apart', () => {
    const policy = new RunPolicy('auto');
    simulate(policy, 64, 0.01, 10);
    simulate(policy, 6400, 2, 10);
    assert.equal(policy.runsInline(64), true);
    assert.equal(policy.runsInline(6400), false);
  });

  it('forgives one slow run and leaves when they stay slow', () => {
    const policy = new RunPolicy('auto');
    simulate(policy, 64, 0.02, 10);
    policy.recordInline(64, 50);
    assert.equal(policy.runsInline(64), true);
    simulate(policy, 64, 1.5, 5);
    assert.equal(policy.runsInline(64), false);
  });

  it('comes back when a model got quick again', () => {
    const policy = new RunPolicy('auto');
    simulate(policy, 64, 0.02, 10);
    simulate(policy, 64, 2, 50);
    assert.equal(policy.runsInline(64), false);
    simulate(policy, 64, 0.02, 50);
    assert.equal(policy.runsInline(64), true);
  });

  it('does not flap between the two thresholds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 0.29, noNaN: true }), { minLength: 1, maxLength: 500 }),
        (times) => {
          const policy = new RunPolicy('auto');
          simulate(policy, 64, 0.02, 3);
          for (const time of times) policy.recordInline(64, time);
          assert.equal(policy.runsInline(64), true);
        },
      ),
    );
  });
});
