import { connectModels, type DependencyGraph, sameDependencies, withDownstreams } from './dependency-graph.ts';
import type { ModelSource } from './model-source.ts';

/** The models that are known, and what they need of each other. */
export interface ModelSet {
  readonly sources: ReadonlyMap<string, ModelSource>;
  readonly graph: DependencyGraph;
}

/** A step from one set of models to the next. Keys are `modelKey`s. */
export interface ModelUpdate extends ModelSet {
  /** To be loaded again, or to be found impossible: what changed, and every ensemble that needs something that changed. */
  readonly pending: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

export const NO_MODELS: ModelSet = { sources: new Map(), graph: new Map() };

/** What follows from models that were added, changed or removed. */
export function planUpdate(
  current: ModelSet,
  changed: ReadonlyMap<string, ModelSource>,
  removed: ReadonlySet<string>,
): ModelUpdate {
  const sources = new Map(current.sources);
  for (const key of removed) sources.delete(key);
  for (const [key, source] of changed) sources.set(key, source);
  const graph = connectModels(sources);
  const touched = new Set(changed.keys());
  for (const [key, dependencies] of graph) {
    if (!sameDependencies(current.graph.get(key), dependencies)) touched.add(key);
  }
  return { sources, graph, pending: withDownstreams(touched, graph), removed };
}
