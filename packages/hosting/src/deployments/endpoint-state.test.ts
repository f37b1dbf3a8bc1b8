import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Database } from '../store/index.ts';
import { temporaryDirectory } from '../test-support/test-host.ts';
import { EndpointRecords, TransitionError } from './endpoint-records.ts';
import { ENDPOINT_STATUSES, type EndpointEvent, nextStatus } from './endpoint-state.ts';
import { trafficPlan } from './traffic-plan.ts';

const EVENTS: readonly EndpointEvent[] = ['ready', 'failed', 'rolled-back', 'update', 'restart', 'delete'];

test('every status can be deleted (but Deleting itself) and survives a restart of the host', () => {
  for (const status of ENDPOINT_STATUSES) {
    assert.equal(nextStatus(status, 'delete'), status === 'Deleting' ? undefined : 'Deleting');
    assert.notEqual(nextStatus(status, 'restart'), undefined);
  }
});

test('a restart loses no change that is under way', () => {
  for (const status of ['Creating', 'Updating', 'RollingBack', 'Deleting', 'Failed'] as const)
    assert.equal(nextStatus(status, 'restart'), status);
  assert.equal(nextStatus('InService', 'restart'), 'SystemUpdating');
});

test('from everywhere but Failed and Deleting, an endpoint can reach InService again', () => {
  for (const status of ENDPOINT_STATUSES) {
    const reached = new Set([status]);
    for (const from of reached)
      for (const event of EVENTS) {
        const next = nextStatus(from, event);
        if (next !== undefined) reached.add(next);
      }
    assert.equal(reached.has('InService'), status !== 'Failed' && status !== 'Deleting', status);
  }
});

test('whatever happens, the record is what the table says, and a refused event changes nothing', (t) => {
  const database = new Database(temporaryDirectory(t));
  t.after(() => database.close());
  const records = new EndpointRecords(database, () => 1);
  const config = { EndpointConfigName: 'c', ProductionVariants: [] };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 }), (events) => {
      records.remove('e');
      records.insert('e', 'arn', { kind: 'create', deployment: { id: 'd', config, variants: [] } });
      for (const event of events) {
        const before = records.get('e');
        assert.ok(before);
        const wanted = nextStatus(before.status, event);
        if (wanted !== undefined) assert.equal(records.transition('e', event).status, wanted);
        else assert.throws(() => records.transition('e', event, { failureReason: 'x' }), TransitionError);
        if (wanted === undefined) assert.deepEqual(records.get('e'), before);
      }
    }),
    { numRuns: 60 },
  );
});

test('traffic moves in the steps of the deployment guardrails', () => {
  const plan = (Type: 'ALL_AT_ONCE' | 'CANARY' | 'LINEAR', size: object, instances = 4): number[] =>
    trafficPlan(
      { BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type, WaitIntervalInSeconds: 5, ...size } } },
      instances,
    ).steps.map((step) => Math.round(step.share * 100));
  assert.deepEqual(plan('ALL_AT_ONCE', {}), [100]);
  assert.deepEqual(plan('CANARY', { CanarySize: { Type: 'CAPACITY_PERCENT', Value: 30 } }), [30, 100]);
  assert.deepEqual(plan('CANARY', { CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 } }), [25, 100]);
  assert.deepEqual(plan('LINEAR', { LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 33 } }), [33, 66, 99, 100]);
  assert.deepEqual(plan('LINEAR', { LinearStepSize: { Type: 'INSTANCE_COUNT', Value: 2 } }), [50, 100]);
  assert.deepEqual(trafficPlan(undefined, 1).steps, [{ share: 1, waitMs: 0 }]);
});
