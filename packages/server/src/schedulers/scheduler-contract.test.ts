import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseModelConfigText } from '../config/index.ts';
import type { AdmissionPolicy } from '../ensemble/admission.ts';
import { compileStepGraph, EnsembleScheduler } from '../ensemble/index.ts';
import type { StepModel } from '../ensemble/step-model.ts';
import {
  Cancellation,
  type Clock,
  type Logger,
  type ModelInstance,
  type Scheduler,
  WorkQueue,
} from '../inference/index.ts';
import { StatisticsRecorder } from '../observability/index.ts';
import { DirectScheduler, DynamicBatchScheduler, makePolicy, SequenceScheduler, sequencePolicy } from './index.ts';
import { noticed, TestInstances, TestRequest, testSignature } from './test-support/fixtures.ts';
import { ManualClock } from './test-support/manual-clock.ts';

interface SchedulerKind {
  readonly name: string;
  readonly maxBatchSize: number;
  /** Sequence batchers want requests of one inference, each with a sequence of its own; iterative ones make the sequences themselves. */
  readonly sequences?: 'by id' | 'iterative';
  make(instances: readonly ModelInstance[], clock: Clock): Scheduler;
}

const statistics = () => new StatisticsRecorder('m', 1);

function dynamic(name: string, more: Partial<Parameters<typeof makePolicy>[0]>): SchedulerKind {
  const policy = makePolicy({ maxBatchSize: 8, preferredSizes: [8], ...more });
  return {
    name,
    maxBatchSize: 8,
    make: (instances, clock) =>
      new DynamicBatchScheduler(policy, testSignature(), { instances, clock, statistics: statistics() }),
  };
}

function sequence(name: string, batching: string, sequences: 'by id' | 'iterative' = 'by id'): SchedulerKind {
  const config = parseModelConfigText(
    `name: "m" max_batch_size: 8 sequence_batching { max_sequence_idle_microseconds: 1000000 ${batching} }`,
  );
  const log: Logger = { error() {}, warning() {}, info() {}, verbose() {} };
  return {
    name,
    maxBatchSize: 8,
    sequences,
    make: (instances, clock) => {
      if (config.schedulingChoice.case !== 'sequenceBatching') throw new Error('not a sequence model');
      const policy = sequencePolicy(config, config.schedulingChoice.value, new Map());
      return new SequenceScheduler({
        policy,
        signature: testSignature(),
        executors: { instances, clock, statistics: statistics() },
        log,
      });
    },
  };
}

/** An ensemble of one step, whose model has a dynamic batcher of its own over the instances. */
function ensemble(name: string, admission: Partial<AdmissionPolicy>): SchedulerKind {
  const config = parseModelConfigText(`
name: "e" platform: "ensemble" max_batch_size: 8
input { name: "INPUT" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "OUTPUT" data_type: TYPE_INT32 dims: [ 1 ] }
ensemble_scheduling { step {
  model_name: "m" model_version: -1
  input_map { key: "INPUT" value: "INPUT" } output_map { key: "OUTPUT" value: "OUTPUT" }
} }`);
  const signature = testSignature();
  return {
    name,
    maxBatchSize: 8,
    make: (instances, clock) => {
      const batcher = new DynamicBatchScheduler(makePolicy({ maxBatchSize: 8 }), signature, {
        instances,
        clock,
        statistics: statistics(),
      });
      const model: StepModel = {
        name: 'm',
        version: 1,
        signature,
        pin() {},
        unpin() {},
        infer: ({ id, inputs, cancellation }, respond) => {
          const onResponse = ({ delivered, finals }: TestRequest) => respond(delivered.at(-1), finals > 0);
          batcher.enqueue(new TestRequest({ id, batchSize: inputs[0]!.shape[0]!, cancellation, onResponse }));
        },
      };
      return new EnsembleScheduler({
        graph: compileStepGraph(config, signature),
        signature,
        admission: { maxRequests: 0, maxBytes: 0, maxQueueSize: 0, ...admission },
        resolve: () => model,
        workQueue: new WorkQueue(clock),
        clock,
      });
    },
  };
}

let sequenceCount = 0n;

/** A request that the kind of scheduler takes. */
function requestFor(kind: SchedulerKind, options: ConstructorParameters<typeof TestRequest>[0] = {}): TestRequest {
  if (kind.sequences === undefined) return new TestRequest(options);
  if (kind.sequences === 'iterative') return new TestRequest({ ...options, batchSize: 1 });
  return new TestRequest({ ...options, batchSize: 1, correlationId: ++sequenceCount, start: true, end: true });
}

/** What every scheduler promises, whatever it does besides. */
const KINDS: readonly SchedulerKind[] = [
  {
    name: 'direct',
    maxBatchSize: 1,
    make: (instances, clock) => new DirectScheduler({ instances, clock, statistics: statistics() }),
  },
  dynamic('dynamic batch', {}),
  dynamic('dynamic batch with delay', { maxDelayNs: 5e6, preferredSizes: [2, 4] }),
  dynamic('dynamic batch in order', { preserveOrdering: true }),
  dynamic('dynamic batch with priorities', { priorityLevels: 3, defaultPriority: 2 }),
  sequence('sequence direct', 'direct { }'),
  sequence('sequence oldest', 'oldest { max_candidate_sequences: 2 }'),
  sequence('iterative sequence direct', 'direct { } iterative_sequence: true', 'iterative'),
  sequence('iterative sequence oldest', 'oldest { max_candidate_sequences: 2 } iterative_sequence: true', 'iterative'),
  ensemble('ensemble', {}),
  ensemble('ensemble with max_inflight_requests', { maxRequests: 2 }),
  ensemble('ensemble with max_inflight_bytes', { maxBytes: 40 }),
];

const CANCELLED: readonly string[] = ['CANCELLED ', "CANCELLED in ensemble 'e', "];
const isCancelled = ({ outcome }: TestRequest) => CANCELLED.includes(outcome);

for (const kind of KINDS) {
  test(`${kind.name}: a request on an idle instance runs before enqueue returns, when nothing asks to wait`, () => {
    const instances = new TestInstances(1, { inline: true });
    const clock = new ManualClock();
    const request = requestFor(kind, { batchSize: 8 });
    kind.make(instances.all, clock).enqueue(request);
    assert.equal(request.outcome, 'ok');
    assert.equal(clock.timerCount, 0, 'without a timer');
  });

  test(`${kind.name}: stop answers what is queued and refuses the rest`, async () => {
    const instances = new TestInstances(1);
    const clock = new ManualClock();
    const scheduler = kind.make(instances.all, clock);
    const queued = Array.from({ length: 5 }, (_, index) => requestFor(kind, { id: String(index), batchSize: 8 }));
    for (const request of queued) scheduler.enqueue(request);
    let stopped = false;
    const stopping = scheduler.stop().then(() => {
      stopped = true;
    });
    const late = requestFor(kind, { id: 'late' });
    assert.throws(() => scheduler.enqueue(late), {
      code: 'UNAVAILABLE',
      message: `${kind.sequences !== undefined ? '' : '[request id: late] '}Server is stopping, scheduler for model has stopped accepting new inference requests`,
    });
    assert.equal(late.finals, 0, 'the caller answers');
    await noticed();
    assert.equal(stopped, false);
    await instances.finishAll();
    await stopping;
    assert.deepEqual(
      queued.map(({ outcome }) => outcome),
      queued.map(() => 'ok'),
    );
    assert.equal(scheduler.inflightCount, 0);
  });

  test(`${kind.name}: a request whose client has gone is not run`, async () => {
    const instances = new TestInstances(1);
    const clock = new ManualClock();
    const scheduler = kind.make(instances.all, clock);
    const cancellation = new Cancellation();
    scheduler.enqueue(requestFor(kind, { id: 'first', batchSize: 8 }));
    const gone = requestFor(kind, { id: 'gone', cancellation, batchSize: 8 });
    scheduler.enqueue(gone);
    cancellation.cancel();
    await instances.finishAll();
    clock.advanceMs(10);
    assert.ok(isCancelled(gone), gone.outcome);
    assert.deepEqual(instances.history.flat(), ['first']);
  });

  test(`${kind.name}: answers that bring new requests do not nest`, () => {
    const instances = new TestInstances(1, { inline: true });
    const scheduler = kind.make(instances.all, new ManualClock());
    let left = 20_000;
    const next = () => {
      if (left-- > 0) scheduler.enqueue(requestFor(kind, { batchSize: 8, onResponse: next }));
    };
    next();
    assert.ok(instances.executions.length > 0);
  });

  test(`${kind.name}: under random schedules every request is answered once, no batch is over the limit`, async () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constant('request' as const),
        batchSize: fc.integer({ min: 1, max: 8 }),
        priority: fc.integer({ min: 0, max: 5 }),
      }),
      fc.record({ kind: fc.constant('finish' as const) }),
      fc.record({ kind: fc.constant('cancel' as const), index: fc.nat(50) }),
      fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 20 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        async (events, instanceCount) => {
          const instances = new TestInstances(instanceCount);
          const clock = new ManualClock();
          const scheduler = kind.make(instances.all, clock);
          const requests: { request: TestRequest; cancellation: Cancellation }[] = [];
          for (const each of events) {
            if (each.kind === 'request') {
              const cancellation = new Cancellation();
              const { batchSize, priority } = each;
              const request = requestFor(kind, { id: String(requests.length), batchSize, priority, cancellation });
              requests.push({ request, cancellation });
              scheduler.enqueue(request);
            } else if (each.kind === 'finish') {
              if (instances.running.length > 0) await instances.finishNext();
            } else if (each.kind === 'cancel') {
              requests[each.index]?.cancellation.cancel();
            } else {
              clock.advanceMs(each.ms);
            }
          }
          for (let round = 0; round < requests.length + 2; round++) {
            clock.advanceMs(1000);
            await instances.finishAll();
          }
          for (const { request, cancellation } of requests) {
            const { outcome } = request;
            assert.ok(outcome === 'ok' || (isCancelled(request) && cancellation.cancelled), outcome);
          }
          for (const { batch } of instances.executions) {
            const sum = batch.requests.reduce((total, { batchSize }) => total + batchSize, 0);
            assert.equal(batch.batchSize, sum);
            assert.ok(batch.requests.length === 1 || sum <= kind.maxBatchSize);
          }
          // Without an id: what fills the hole of a slot.
          const ran = instances.history.flat().filter((id) => id !== '');
          assert.equal(new Set(ran).size, ran.length, 'nothing runs twice');
          assert.equal(scheduler.inflightCount, 0);
        },
      ),
      { numRuns: 60 },
    );
  });
}
