import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Core } from '../core/index.ts';
import { ensemble, toyModel } from '../core/test-support/configs.ts';
import { makeRequest, send, startCore } from '../core/test-support/harness.ts';
import { int32Tensor } from '../core/test-support/toy-backend.ts';

const CHAIN = (name: string, second: string) =>
  ensemble(name, [
    { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
    { model: second, inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
  ]);
const MODELS = [toyModel('id'), toyModel('broken', { behaviour: 'fail' }), toyModel('narrow', { dims: '7' })];

function stepCounts(core: Core, family: string): Record<string, number> {
  const pattern = new RegExp(
    `^nereid_ensemble_step_${family}\\{model="(\\w+)",(?:reason="(\\w+)",)?.*step="(\\d)".*\\} (\\d+)$`,
    'gm',
  );
  const counts: Record<string, number> = {};
  for (const [, model, reason, step, count] of core.metricsPage().matchAll(pattern)) {
    if (count !== '0') counts[[model, step, reason].filter((part) => part !== undefined).join(' ')] = Number(count);
  }
  return counts;
}

test('each step counts its requests, and its failures by reason', async () => {
  const { core } = await startCore([...MODELS, CHAIN('good', 'id'), CHAIN('bad', 'broken'), CHAIN('wrong', 'narrow')]);
  for (const model of ['good', 'good', 'bad', 'wrong']) {
    send(core, makeRequest(model, [int32Tensor('IN', [1, 2], [1, 2])]));
  }
  assert.deepEqual(stepCounts(core, 'success'), { 'good 0': 2, 'good 1': 2, 'bad 0': 1, 'wrong 0': 1 });
  assert.deepEqual(stepCounts(core, 'failure'), { 'bad 1 BACKEND': 1, 'wrong 1 REJECTED': 1 });
});

test('an ensemble inside an ensemble is a step like any other, and sums stay those of the models', async () => {
  const outer = ensemble('outer', [{ model: 'inner', inputs: { IN: 'IN' }, outputs: { OUT: 'OUT' } }]);
  let nowNs = 0;
  const clock = { nowNs: () => (nowNs += 1000), schedule: () => () => {} };
  const { core } = await startCore([...MODELS, CHAIN('inner', 'id'), outer], { clock });
  send(core, makeRequest('outer', [int32Tensor('IN', [1, 2], [1, 2])]));
  assert.deepEqual(stepCounts(core, 'success'), { 'inner 0': 1, 'inner 1': 1, 'outer 0': 1 });
  const infer = (name: string) => core.statistics(name, -1)[0]!.computeInfer.ns;
  assert.ok(infer('id') > 0);
  assert.deepEqual([infer('inner'), infer('outer')], [infer('id'), infer('id')]);
  const micros = stepCounts(core, 'duration_us');
  assert.ok(
    micros['outer 0']! > micros['inner 0']! + micros['inner 1']!,
    'the inner ensemble takes longer than its steps',
  );
});
