import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceSampler } from './sampler.ts';
import { type TraceSettings, TraceSettingsStore } from './settings.ts';

const ON: Partial<TraceSettings> = { levels: ['TIMESTAMPS'], rate: 1, file: '/tmp/t.json' };

function hits(sampler: TraceSampler, requests: number, forced = false): boolean[] {
  return Array.from({ length: requests }, () => sampler.sample(forced));
}

test('one request of `rate` is traced, until `count` of them were', () => {
  const store = new TraceSettingsStore({ ...ON, rate: 3, count: 2 });
  assert.deepEqual(hits(store.sampler('m'), 8), [false, false, true, false, false, true, false, false]);
  assert.equal(store.settings('').count, 0);
  store.update('', { count: 1 });
  assert.deepEqual(hits(store.sampler('m'), 4), [false, false, true, false]);
});

test('nothing is active without a level, a rate or a file', () => {
  assert.equal(new TraceSettingsStore().active, false);
  assert.equal(new TraceSettingsStore({ ...ON, levels: [] }).active, false);
  assert.equal(new TraceSettingsStore({ ...ON, file: '' }).active, false);
  assert.equal(new TraceSettingsStore(ON).active, true);
  assert.deepEqual(hits(new TraceSettingsStore({ ...ON, file: '' }).sampler(''), 2), [false, false]);
});

test('models have settings of their own and the global ones else; null gives them back', () => {
  const replaced: TraceSampler[] = [];
  const store = new TraceSettingsStore({ ...ON, levels: [] }, (sampler) => replaced.push(sampler));
  store.update('m', { levels: ['TIMESTAMPS'], rate: 2 });
  assert.equal(store.active, true);
  assert.deepEqual(hits(store.sampler('other'), 2), [false, false]);
  assert.deepEqual(hits(store.sampler('m'), 2), [false, true]);
  store.update('', { count: 5, rate: 7 });
  assert.deepEqual([store.settings('m').rate, store.settings('m').count], [2, 5]);
  store.update('m', { levels: null, rate: null });
  assert.deepEqual([store.settings('m').rate, store.settings('m').levels], [7, []]);
  assert.equal(store.sampler('m'), store.sampler('other'));
  assert.equal(store.active, false);
  assert.equal(replaced.length, 3, 'the global one, and two of the model');
});

test('settings that cannot work are refused and change nothing', () => {
  const noFile = new TraceSettingsStore();
  assert.throws(() => noFile.update('', { levels: ['TENSORS'] }), {
    code: 'INVALID_ARG',
    message: 'Attempting to set invalid trace setting :trace file name is not given',
  });
  assert.throws(() => noFile.update('m', { levels: ['TENSORS'] }), { code: 'INVALID_ARG' });
  assert.deepEqual(noFile.settings('m').levels, []);
  const store = new TraceSettingsStore(ON);
  assert.throws(() => store.update('', { rate: 0 }), {
    message: 'Attempting to set invalid trace setting :sample rate must be non-zero',
  });
  assert.equal(store.settings('').rate, 1);
  store.update('', { rate: 0, levels: [] });
});

test('requests that bring a trace are traced whatever the rate, with OpenTelemetry only', () => {
  const store = new TraceSettingsStore({ levels: ['TIMESTAMPS'], rate: 0, mode: 'opentelemetry' });
  assert.equal(store.active, true);
  assert.deepEqual([...hits(store.sampler(''), 1), ...hits(store.sampler(''), 2, true)], [false, true, true]);
  const counted = new TraceSettingsStore({ levels: ['TIMESTAMPS'], rate: 1, count: 1, mode: 'opentelemetry' });
  assert.deepEqual([...hits(counted.sampler(''), 2), ...hits(counted.sampler(''), 1, true)], [true, false, true]);
  assert.equal(counted.settings('').count, 0);
});

test('a name that every object has is a model like any other', () => {
  const store = new TraceSettingsStore(ON);
  store.update('__proto__', { rate: 9 });
  assert.deepEqual([store.settings('__proto__').rate, store.settings('constructor').rate], [9, 1]);
});
