import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cancellation } from '../inference/index.ts';
import { ensemble, toyModel } from './test-support/configs.ts';
import { type Answers, makeRequest, send, startCore } from './test-support/harness.ts';
import { int32Tensor, settled } from './test-support/toy-backend.ts';

// Clients that vanish, queues that overflow, servers that stop: nothing is lost, nothing is answered twice, nothing hangs.

const input = (name: string) => int32Tensor(name, [1, 1], [1]);

/** What became of requests, by outcome. */
function tally(answers: readonly Answers[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { finals, responses } of answers) {
    assert.ok(finals <= 1);
    const outcome = finals === 0 ? 'open' : (responses.at(-1)?.error?.code ?? 'ok');
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

test('10,000 clients go away while they wait: only the one that runs is computed', async () => {
  const { backend, core } = await startCore([
    toyModel('m', { hold: true, maxBatchSize: 1, more: 'dynamic_batching { }' }),
  ]);
  const cancellations: Cancellation[] = [];
  const answers = Array.from({ length: 10_000 }, () => {
    const cancellation = new Cancellation();
    cancellations.push(cancellation);
    return send(core, makeRequest('m', [input('INPUT0')], { cancellation }));
  });
  for (const cancellation of cancellations) cancellation.cancel();
  await backend.releaseAll();
  while (core.inflightCount() > 0) await settled();
  assert.deepEqual(tally(answers), { ok: 1, CANCELLED: 9_999 });
  assert.equal(backend.executions.length, 1);
  const [statistics] = core.statistics('m', 1);
  assert.deepEqual([statistics?.success.count, statistics?.fail.count], [1, 9_999]);
});

test('a storm of cancellations inside ensembles ends every request once', async () => {
  const { backend, core } = await startCore([
    toyModel('id', { hold: true, instances: 4 }),
    ensemble('chain', [
      { model: 'id', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'm' } },
      { model: 'id', inputs: { INPUT0: 'm' }, outputs: { OUTPUT0: 'OUT' } },
    ]),
  ]);
  const cancellations: Cancellation[] = [];
  const answers = Array.from({ length: 500 }, () => {
    const cancellation = new Cancellation();
    cancellations.push(cancellation);
    return send(core, makeRequest('chain', [input('IN')], { cancellation }));
  });
  for (const [index, cancellation] of cancellations.entries()) {
    if (index % 3 > 0) cancellation.cancel();
    if (index % 50 === 0) await backend.releaseNext();
  }
  while (core.inflightCount() > 0) {
    await backend.releaseAll();
    await settled();
  }
  const { ok = 0, CANCELLED = 0, open = 0 } = tally(answers);
  assert.equal(open, 0);
  assert.equal(ok + CANCELLED, 500);
  assert.ok(ok >= Math.floor(500 / 3));
});

test('a queue that overflows refuses at once and keeps what it took', async () => {
  const policy = 'dynamic_batching { default_queue_policy { max_queue_size: 10 } }';
  const { backend, core } = await startCore([toyModel('m', { hold: true, maxBatchSize: 1, more: policy })]);
  const answers: Answers[] = [];
  let refused = 0;
  for (let index = 0; index < 1_000; index++) {
    try {
      answers.push(send(core, makeRequest('m', [input('INPUT0')])));
    } catch {
      refused++;
    }
  }
  await backend.releaseAll();
  assert.deepEqual([tally(answers), refused], [{ ok: 11 }, 989]);
});

test('stopping under load drains: every request that was taken is answered', async () => {
  const { backend, clock, core } = await startCore([
    toyModel('m', { hold: true, instances: 2, maxBatchSize: 4, more: 'dynamic_batching { }' }),
    ensemble('e', [{ model: 'm', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'OUT' } }], { maxBatchSize: 4 }),
  ]);
  const answers = Array.from({ length: 100 }, (_, index) =>
    index % 2 === 0 ? send(core, makeRequest('m', [input('INPUT0')])) : send(core, makeRequest('e', [input('IN')])),
  );
  let unanswered: number | undefined;
  const stopping = core.stop(30_000).then((count) => {
    unanswered = count;
  });
  while (unanswered === undefined) {
    await backend.releaseAll();
    clock.advanceMs(100);
    await settled();
  }
  await stopping;
  assert.equal(unanswered, 0);
  assert.deepEqual(tally(answers), { ok: 100 });
  assert.deepEqual(backend.unloaded, ['m']);
});
