import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autofillBackend, parseModelConfigText } from '../config/index.ts';
import {
  circularDependencies,
  connectModels,
  inLoadOrder,
  withDownstreams,
  withUnusedUpstreams,
} from './dependency-graph.ts';
import { modelKey } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import { NO_MODELS, planUpdate } from './model-update.ts';
import { ensembleConfig, identityConfig } from './test-support/temporary-repository.ts';
import { ModelTimestamp } from './timestamps.ts';

/** Models by name with the models they need. */
function sources(needs: Readonly<Record<string, readonly string[]>>): Map<string, ModelSource> {
  const found = new Map<string, ModelSource>();
  for (const [name, models] of Object.entries(needs)) {
    const config = parseModelConfigText(models.length === 0 ? identityConfig() : ensembleConfig(models[0] as string));
    if (config.schedulingChoice.case === 'ensembleScheduling') {
      const { step } = config.schedulingChoice.value;
      for (const model of models.slice(1)) step.push({ ...(step[0] as (typeof step)[number]), modelName: model });
    }
    autofillBackend(name, undefined, config);
    const id = { namespace: '', name };
    const times = { timestamp: new ModelTimestamp(), previousTimestamp: new ModelTimestamp() };
    const rest = { isConfigProvided: true, explicitlyLoaded: false, overrides: undefined };
    found.set(modelKey(id), { id, modelDirectory: `/models/${name}`, config, ...times, ...rest });
  }
  return found;
}

function chain(depth: number): Map<string, ModelSource> {
  const needs: Record<string, string[]> = { model: [] };
  for (let index = 0; index < depth; index++) needs[`e${index}`] = [index === 0 ? 'model' : `e${index - 1}`];
  return sources(needs);
}

describe('the dependency graph', () => {
  it('orders ten thousand ensembles of ensembles without running out of stack', () => {
    const models = chain(10_000);
    const graph = connectModels(models);
    const order = inLoadOrder(new Set([...models.keys()].reverse()), graph);
    assert.deepEqual(order.slice(0, 3), ['model', 'e0', 'e1']);
    assert.equal(order.length, 10_001);
    assert.equal(circularDependencies(models, graph).size, 0);
    assert.equal(withDownstreams(['model'], graph).size, 10_001);
    assert.equal(withUnusedUpstreams(['e9999'], models, graph).size, 10_001);
  });

  it('finds a cycle of ten thousand, and says so for each of its models', () => {
    const models = chain(10_000);
    const closing = sources({ e0: ['e9999'] });
    models.set('e0', closing.get('e0') as ModelSource);
    const failures = circularDependencies(models, connectModels(models));
    assert.equal(failures.size, 10_000);
    assert.equal(failures.get('e5')?.message, 'circular dependency between ensembles: e0 -> ... -> e1 -> e0');
  });

  it('orders a diamond, and what leads into a cycle is not part of it', () => {
    const models = sources({
      top: ['left', 'right'],
      left: ['base'],
      right: ['base'],
      base: [],
      a: ['b'],
      b: ['a'],
      into: ['a'],
    });
    const graph = connectModels(models);
    const order = inLoadOrder(new Set(models.keys()), graph);
    assert.ok(order.indexOf('base') < order.indexOf('left'));
    assert.ok(order.indexOf('left') < order.indexOf('top') && order.indexOf('right') < order.indexOf('top'));
    assert.deepEqual([...circularDependencies(models, graph).keys()].sort(), ['a', 'b']);
  });

  it('unloads with an ensemble only what nothing else needs and nobody asked for', () => {
    const models = sources({ one: ['shared', 'own', 'asked'], two: ['shared'], shared: [], own: [], asked: [] });
    models.set('asked', { ...(models.get('asked') as ModelSource), explicitlyLoaded: true });
    assert.deepEqual([...withUnusedUpstreams(['one'], models, connectModels(models))].sort(), ['one', 'own']);
  });

  it('looks again at ensembles whose models appear, change or go', () => {
    const ensembles = sources({ over: ['ensemble'], ensemble: ['model'] });
    const first = planUpdate(NO_MODELS, ensembles, new Set());
    assert.equal(first.graph.get('ensemble')?.missing, 'model');
    const model = sources({ model: [], other: [] });
    const second = planUpdate(first, model, new Set());
    assert.deepEqual([...second.pending].sort(), ['ensemble', 'model', 'other', 'over']);
    const third = planUpdate(second, new Map(), new Set(['model']));
    assert.deepEqual([...third.pending].sort(), ['ensemble', 'over']);
    assert.deepEqual([...planUpdate(second, new Map(), new Set()).pending], []);
  });
});
