import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CorrelationId } from '../inference/index.ts';
import { type Counts, countsOf } from './test-support/counts.ts';
import { type Answers, makeRequest, send, startCore } from './test-support/harness.ts';
import { int32Tensor, readInt32, settled } from './test-support/toy-backend.ts';

// Counterparts of the cases of Triton's qa/L0_sequence_batcher, under their names. The model adds up its inputs in a state that the server keeps.

interface SetUpOptions {
  /** Inside of `sequence_batching`. */
  readonly batching?: string;
  readonly maxBatchSize?: number;
  readonly instances?: number;
  readonly ragged?: boolean;
  /** TRITONSERVER_DELAY_SCHEDULER and TRITONSERVER_BACKLOG_DELAY_SCHEDULER. */
  readonly startAfter?: number;
  readonly startAfterBacklog?: number;
}

interface Sequence {
  readonly id: CorrelationId;
  readonly values: readonly number[];
  /** Whether the last request says END (default true). */
  readonly ends?: boolean;
  /** Elements of the input. */
  readonly length?: number;
  /** What the last answer must be, when it is not the sum of the values. */
  readonly sum?: number;
}

const IDLE_MS = 5000;

async function setUp(options: SetUpOptions = {}) {
  const { batching = 'direct { }', maxBatchSize = 4, instances = 1, ragged = false } = options;
  const { startAfter = 0, startAfterBacklog = 0 } = options;
  const config = `
name: "m" backend: "toy" max_batch_size: ${maxBatchSize}
input { name: "INPUT" data_type: TYPE_INT32 dims: [ -1 ] ${ragged ? 'allow_ragged_batch: true' : ''} }
output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
instance_group { count: ${instances} kind: KIND_CPU }
parameters { key: "behaviour" value { string_value: "accumulate" } }
parameters { key: "hold" value { string_value: "yes" } }
sequence_batching {
  max_sequence_idle_microseconds: ${IDLE_MS * 1000}
  state { input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_INT32 dims: [ 1 ] }
  ${batching}
}`;
  const environment = {
    TRITONSERVER_DELAY_SCHEDULER: String(startAfter),
    TRITONSERVER_BACKLOG_DELAY_SCHEDULER: String(startAfterBacklog),
  };
  const test = await startCore([config], { environment });
  const one = (id: CorrelationId, flags: string, value: number, more: { length?: number; timeoutMs?: number } = {}) => {
    const { length = 1, timeoutMs = 0 } = more;
    const tensor = int32Tensor('INPUT', [1, length], [value, ...new Array<number>(length - 1).fill(0)]);
    const position = { correlationId: id, sequenceStart: flags.includes('+'), sequenceEnd: flags.includes('-') };
    return send(test.core, makeRequest('m', [tensor], { ...position, timeoutMicros: timeoutMs * 1000 }));
  };
  const whole = ({ id, values, ends = true, length = 1 }: Sequence): Answers[] =>
    values.map((value, index) => {
      const isLast = index === values.length - 1;
      return one(id, `${index === 0 ? '+' : ''}${isLast && ends ? '-' : ''}`, value, { length });
    });
  return { ...test, one, whole };
}

function answerOf({ responses }: Answers): number | string {
  const [response] = responses;
  if (response === undefined) return 'no answer';
  return response.error === undefined ? readInt32(response.outputs[0]!)[0]! : response.error.message;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Sends sequences one after the other, lets everything run and compares sums and counts. */
async function check(options: SetUpOptions, sequences: readonly Sequence[], counts: Counts): Promise<void> {
  const { core, backend, whole } = await setUp(options);
  const answers = sequences.map(whole);
  await backend.releaseAll();
  assert.deepEqual(
    answers.map((each) => answerOf(each.at(-1)!)),
    sequences.map(({ values, sum }) => sum ?? sumOf(values)),
  );
  assert.deepEqual(countsOf(core, 'm'), counts);
}

/** As many requests as inferences. */
function counts(inferences: number, bySize: Readonly<Record<number, number>>): Counts {
  return { requests: inferences, inferences, executions: sumOf(Object.values(bySize)), bySize };
}

const FOUR = [
  { id: 1n, values: [1, 2, 3] },
  { id: 2n, values: [11, 12, 13] },
  { id: 3n, values: [111, 112, 113] },
  { id: 4n, values: [1111, 1112, 1113] },
];
const FOUR_INSTANCES = { instances: 4, maxBatchSize: 1 };

test('L0_sequence_batcher test_simple_sequence', () =>
  check({}, [{ id: 5n, values: [1, 2, 3, 4, 5, 6, 7, 8, 9] }], counts(9, { 1: 9 })));

test('L0_sequence_batcher test_length1_sequence', () => check({}, [{ id: 99n, values: [42] }], counts(1, { 1: 1 })));

test('L0_sequence_batcher test_batch_size', async () => {
  const { core } = await setUp();
  const request = makeRequest('m', [int32Tensor('INPUT', [2, 1], [1, 2])], { correlationId: 27n, sequenceStart: true });
  assert.throws(() => send(core, request), {
    code: 'INVALID_ARG',
    message: "inference request to model 'm' must specify batch-size 1 due to requirements of sequence batcher",
  });
});

for (const id of [0n, ''] as const) {
  test(`L0_sequence_batcher test_no_correlation_id (${id === '' ? 'string' : 'number'})`, async () => {
    const { one } = await setUp();
    assert.throws(() => one(id, '+', 1), {
      code: 'INVALID_ARG',
      message: "inference request to model 'm' must specify a non-zero or non-empty correlation ID",
    });
  });
}

for (const id of [37469245n, 'seq-7'] as const) {
  const message = `inference request for sequence ${id} to model 'm' must specify the START flag on the first request of the sequence`;

  test(`L0_sequence_batcher test_no_sequence_start (${typeof id})`, async () => {
    const { one } = await setUp();
    assert.throws(() => one(id, '', 1), { code: 'INVALID_ARG', message });
  });

  test(`L0_sequence_batcher test_no_sequence_start2 (${typeof id})`, async () => {
    const { core, backend, one, whole } = await setUp();
    const first = whole({ id, values: [1, 2, 3] });
    await backend.releaseAll();
    assert.throws(() => one(id, '', 55), { code: 'INVALID_ARG', message });
    assert.equal(answerOf(first.at(-1)!), 6);
    assert.deepEqual(countsOf(core, 'm'), counts(3, { 1: 3 }));
  });
}

test('L0_sequence_batcher test_no_sequence_end', async () => {
  const { core, backend, log, one } = await setUp();
  const answers = [one(4n, '+', 1), one(4n, '', 2), one(4n, '+', 42), one(4n, '-', 9)];
  await backend.releaseAll();
  assert.deepEqual(answers.map(answerOf), [1, 3, 42, 51]);
  assert.deepEqual(countsOf(core, 'm'), counts(4, { 1: 4 }));
  assert.equal(
    log.lines.at(-1),
    "W sequence 4 for model 'm' has a conflict. The previous sequence did not end before this sequence start. Previous sequence will be terminated early.",
  );
});

const HALF = [
  { id: 1n, values: [1, 2, 3, 4] },
  { id: 2n, values: [0, 9, 5, 13] },
];
test('L0_sequence_batcher test_half_batch', () => check({ startAfter: 8 }, HALF, counts(8, { 2: 4 })));
test('L0_sequence_batcher test_half_batch, four instances', () =>
  check({ startAfter: 8, ...FOUR_INSTANCES }, HALF, counts(8, { 1: 8 })));

const SKIP = [
  { id: 2n, values: [11, 12, 13, 14] },
  { id: 4n, values: [1111, 1112, 1113, 1114] },
  { id: 1n, values: [1, 3] },
  { id: 3n, values: [111, 113] },
];
test('L0_sequence_batcher test_skip_batch', () => check({ startAfter: 12 }, SKIP, counts(12, { 2: 2, 4: 2 })));
test('L0_sequence_batcher test_skip_batch, two instances', () =>
  check({ startAfter: 12, instances: 2, maxBatchSize: 2 }, SKIP, counts(12, { 1: 4, 2: 4 })));
test('L0_sequence_batcher test_skip_batch, four instances', () =>
  check({ startAfter: 12, ...FOUR_INSTANCES }, SKIP, counts(12, { 1: 12 })));

test('L0_sequence_batcher test_full_batch', () => check({ startAfter: 12 }, FOUR, counts(12, { 4: 3 })));
test('L0_sequence_batcher test_full_batch, two instances', () =>
  check({ startAfter: 12, instances: 2, maxBatchSize: 2 }, FOUR, counts(12, { 2: 6 })));

const LENGTHS = [2, 2, 1, 3];
const OF_LENGTHS = FOUR.map((sequence, index) => ({ ...sequence, length: LENGTHS[index]! }));
test('L0_sequence_batcher test_ragged_batch', () =>
  // Nobody shares an execution with another shape, but every slot keeps its row.
  check({ startAfter: 12 }, OF_LENGTHS, { requests: 12, inferences: 12, executions: 9, bySize: { 4: 9 } }));
test('L0_sequence_batcher test_ragged_batch_allowed', () =>
  check({ startAfter: 12, ragged: true }, OF_LENGTHS, counts(12, { 4: 3 })));

const FIFTH = { id: 5n, values: [11111, 11112, 11113] };
test('L0_sequence_batcher test_backlog', () => check({ startAfter: 12 }, [...FOUR, FIFTH], counts(15, { 1: 3, 4: 3 })));
test('L0_sequence_batcher test_backlog, two instances', () =>
  check({ startAfter: 12, instances: 2, maxBatchSize: 2 }, [...FOUR, FIFTH], counts(15, { 1: 3, 2: 6 })));
test('L0_sequence_batcher test_backlog, four instances', () =>
  check({ startAfter: 12, ...FOUR_INSTANCES }, [...FOUR, FIFTH], counts(15, { 1: 15 })));

const SHORTER = [FOUR[0]!, { id: 2n, values: [11, 13] }, { id: 3n, values: [111, 113] }, FOUR[3]!];
test('L0_sequence_batcher test_backlog_fill', () =>
  check(
    { startAfter: 10, startAfterBacklog: 2 },
    [...SHORTER, { id: 5n, values: [11111] }, { id: 6n, values: [22222] }],
    counts(12, { 4: 3 }),
  ));

test('L0_sequence_batcher test_backlog_fill_no_end', async () => {
  const { core, backend, one, whole } = await setUp({ startAfter: 10, startAfterBacklog: 3 });
  for (const sequence of SHORTER) whole(sequence);
  whole({ id: 5n, values: [11111] });
  const open = whole({ id: 6n, values: [22222, 22223], ends: false });
  await backend.releaseAll();
  const last = one(6n, '-', 22224);
  await backend.releaseAll();
  assert.deepEqual([...open, last].map(answerOf), [22222, 44445, 66669]);
  assert.deepEqual(countsOf(core, 'm'), { requests: 14, inferences: 14, executions: 5, bySize: { 3: 2, 4: 3 } });
});

test('L0_sequence_batcher test_backlog_same_correlation_id', () =>
  // The first slot is free again by then.
  check(
    { startAfter: 12, startAfterBacklog: 2 },
    [...FOUR, { id: 2n, values: [11111, 11113] }],
    counts(14, { 1: 2, 4: 3 }),
  ));

test('L0_sequence_batcher test_backlog_same_correlation_id_no_end', () =>
  check(
    { startAfter: 16 },
    [
      { id: 1n, values: [1, 3], ends: false },
      { id: 2n, values: [11, 12, 12, 13] },
      { id: 3n, values: [111, 112, 112, 113] },
      { id: 4n, values: [1111, 1112, 1112, 1113] },
      { id: 1n, values: [11111, 11113] },
    ],
    counts(16, { 4: 4 }),
  ));

test('L0_sequence_batcher test_backlog_sequence_timeout', async () => {
  const { backend, clock, one, whole } = await setUp({ startAfter: 4 });
  const first = one(1n, '+', 1);
  const others = [2n, 3n, 4n].map((id) => [one(id, '+', Number(id))]);
  const fifth = whole({ id: 5n, values: [11111, 11113] });
  for (const flags of ['', '-']) {
    await backend.releaseAll();
    clock.advanceMs(IDLE_MS / 2);
    for (const [index, answers] of others.entries()) answers.push(one(BigInt(index + 2), flags, 10));
  }
  await backend.releaseAll();
  assert.deepEqual([first, ...fifth].map(answerOf), [1, 11111, 22224]);
  assert.deepEqual(
    others.map((answers) => answerOf(answers.at(-1)!)),
    [22, 23, 24],
  );
  assert.throws(() => one(1n, '', 3), {
    message:
      "inference request for sequence 1 to model 'm' must specify the START flag on the first request of the sequence",
  });
});

for (const [name, utilization, waits] of [
  ['test_queue_delay_no_min_util', 0, false],
  ['test_queue_delay_half_min_util', 0.5, false],
  ['test_queue_delay_full_min_util', 1, true],
] as const) {
  test(`L0_sequence_batcher ${name}`, async () => {
    const delayMs = 3000;
    const batching = `direct { max_queue_delay_microseconds: ${delayMs * 1000} minimum_slot_utilization: ${utilization} }`;
    const { core, backend, clock, one } = await setUp({ batching, maxBatchSize: 2, startAfter: 2 });
    const answers = [one(1n, '+', 1), one(2n, '+', 11)];
    await backend.releaseAll();
    answers.push(one(2n, '', 12));
    assert.equal(backend.held.length, waits ? 0 : 1);
    clock.advanceMs(delayMs);
    assert.equal(backend.held.length, 1);
    await backend.releaseAll();
    assert.deepEqual(answers.map(answerOf), [1, 11, 23]);
    // The place of the first sequence is filled with zeros.
    assert.deepEqual(countsOf(core, 'm'), { requests: 3, inferences: 3, executions: 2, bySize: { 2: 2 } });
  });
}

const EXPIRED = 'timeout of the corresponding sequence has been expired';

test('L0_sequence_batcher test_request_timeout', async () => {
  const { core, backend, clock, one } = await setUp({ maxBatchSize: 1 });
  const timeoutMs = 3000;
  const running = [one(1n, '+', 1, { timeoutMs }), one(1n, '-', 1, { timeoutMs })];
  const waiting = [one(2n, '+', 1, { timeoutMs }), one(2n, '-', 1, { timeoutMs })];
  clock.advanceMs(timeoutMs);
  assert.deepEqual(waiting.map(answerOf), [EXPIRED, EXPIRED], 'a timeout means the whole sequence in the backlog');
  await backend.releaseAll();
  assert.deepEqual(running.map(answerOf), [1, 2], 'and nothing to a sequence that has a slot');
  assert.equal(core.statistics('m', 1)[0]?.fail.count, 2);
});

test('L0_sequence_batcher test_send_request_after_timeout', async () => {
  const { backend, clock, one } = await setUp({ maxBatchSize: 1 });
  one(1n, '+', 1);
  const waiting = one(2n, '+', 1, { timeoutMs: 3000 });
  clock.advanceMs(3000);
  assert.equal(answerOf(waiting), EXPIRED);
  assert.throws(() => one(2n, '', 1), {
    message:
      "inference request for sequence 2 to model 'm' must specify the START flag on the first request of the sequence",
  });
  await backend.releaseAll();
});

for (const preserve of [true, false]) {
  test(`L0_sequence_batcher test_sequence_${preserve ? 'with' : 'without'}_preserve_ordering`, async () => {
    const batching = `oldest { max_candidate_sequences: 4 preserve_ordering: ${preserve} }`;
    const { core, backend, whole } = await setUp({ batching, instances: 2 });
    const ids = Array.from({ length: 8 }, (_, index) => BigInt(index + 1));
    const sequences = ids.map((id) => whole({ id, values: [1, 2, 3, 4] }));
    while (backend.held.length > 0) {
      // The instance that was given its batch last ends first.
      backend.held.pop()!.release();
      await settled();
    }
    for (const answers of sequences) assert.deepEqual(answers.map(answerOf), [1, 3, 6, 10]);
    assert.equal(countsOf(core, 'm').inferences, 32);
  });
}
