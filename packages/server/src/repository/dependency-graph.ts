import { StatusError } from '@nereid/protocol';
import { ensembleSteps } from '../config/index.ts';
import { modelKey, printModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';

/** What one model needs of others. Keys are `modelKey`s. */
export interface Dependencies {
  /** The models of the steps with the versions they name (-1: any), in the order of the steps. */
  readonly upstreams: ReadonlyMap<string, ReadonlySet<bigint>>;
  /** The model of each step; undefined where there is none or, with namespacing, more than one. */
  readonly steps: readonly (string | undefined)[];
  /** Name of the first model that is not there. */
  readonly missing: string | undefined;
}

export type DependencyGraph = ReadonlyMap<string, Dependencies>;

/** Finds the model of each step of each ensemble: in the ensemble's own namespace, else the only one of that name. */
export function connectModels(sources: ReadonlyMap<string, ModelSource>): DependencyGraph {
  const byName = Map.groupBy(sources.keys(), (key) => (sources.get(key) as ModelSource).id.name);
  const graph = new Map<string, Dependencies>();
  for (const [key, source] of sources) {
    const upstreams = new Map<string, Set<bigint>>();
    const steps: (string | undefined)[] = [];
    let missing: string | undefined;
    for (const step of ensembleSteps(source.config)) {
      const own = modelKey({ namespace: source.id.namespace, name: step.modelName });
      const candidates = byName.get(step.modelName) ?? [];
      const found = sources.has(own) ? own : candidates.length === 1 ? candidates[0] : undefined;
      steps.push(found);
      if (found === undefined) missing ??= step.modelName;
      else if (upstreams.has(found)) upstreams.get(found)?.add(step.modelVersion);
      else upstreams.set(found, new Set([step.modelVersion]));
    }
    graph.set(key, { upstreams, steps, missing });
  }
  return graph;
}

/** Whether two answers to "what does this model need" are the same. */
export function sameDependencies(a: Dependencies | undefined, b: Dependencies): boolean {
  return a !== undefined && a.missing === b.missing && a.steps.join('\n') === b.steps.join('\n');
}

/** The given models and every ensemble that needs one of them, however indirectly. */
export function withDownstreams(keys: Iterable<string>, graph: DependencyGraph): Set<string> {
  const downstreams = new Map<string, string[]>();
  for (const [key, { upstreams }] of graph) {
    for (const upstream of upstreams.keys()) {
      const list = downstreams.get(upstream);
      if (list) list.push(key);
      else downstreams.set(upstream, [key]);
    }
  }
  const found = new Set(keys);
  // A set that grows while it is walked: what is added is visited too.
  for (const key of found) for (const downstream of downstreams.get(key) ?? []) found.add(downstream);
  return found;
}

/** The given models, each after those it needs; models in a cycle come in no particular order. Works without recursion, for long chains. */
export function inLoadOrder(keys: ReadonlySet<string>, graph: DependencyGraph): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  for (const start of keys) {
    const stack = [visit(start, graph)];
    while (stack.length > 0) {
      const top = stack.at(-1) as Visit;
      const next = done.has(top.key) ? undefined : top.upstreams[top.next++];
      if (next !== undefined) {
        if (keys.has(next) && !done.has(next) && !top.path.has(next)) stack.push(visit(next, graph, top.path));
        continue;
      }
      stack.pop();
      top.path.delete(top.key);
      if (!done.has(top.key)) order.push(top.key);
      done.add(top.key);
    }
  }
  return order;
}

interface Visit {
  readonly key: string;
  readonly upstreams: readonly string[];
  next: number;
  /** Keys on the way from the start to here, shared by the whole walk. */
  readonly path: Set<string>;
}

function visit(key: string, graph: DependencyGraph, path = new Set<string>()): Visit {
  path.add(key);
  return { key, upstreams: [...(graph.get(key)?.upstreams.keys() ?? [])], next: 0, path };
}

/** Ensembles that need themselves, with the error of each. */
export function circularDependencies(
  sources: ReadonlyMap<string, ModelSource>,
  graph: DependencyGraph,
): ReadonlyMap<string, StatusError> {
  const failures = new Map<string, StatusError>();
  const print = (key: string) => printModelId((sources.get(key) as ModelSource).id);
  for (const cycle of cycles(graph)) {
    const start = cycle.toSorted()[0] as string;
    const last = cycle.find((key) => graph.get(key)?.upstreams.has(start)) as string;
    const message = `circular dependency between ensembles: ${print(start)} -> ... -> ${print(last)} -> ${print(start)}`;
    for (const key of cycle) failures.set(key, new StatusError('INVALID_ARG', message));
  }
  return failures;
}

/** Groups of models that need each other (strongly connected components with a cycle; Tarjan's algorithm with a stack of its own). */
function cycles(graph: DependencyGraph): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  for (const start of graph.keys()) {
    if (index.has(start)) continue;
    const stack: { key: string; upstreams: readonly string[]; next: number }[] = [];
    const enter = (key: string) => {
      index.set(key, index.size);
      low.set(key, index.get(key) as number);
      open.push(key);
      isOpen.add(key);
      stack.push({ key, upstreams: [...(graph.get(key)?.upstreams.keys() ?? [])], next: 0 });
    };
    enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1) as (typeof stack)[number];
      const upstream = top.upstreams[top.next++];
      if (upstream !== undefined) {
        if (!index.has(upstream)) enter(upstream);
        else if (isOpen.has(upstream)) lower(low, top.key, index.get(upstream) as number);
        continue;
      }
      stack.pop();
      const parent = stack.at(-1);
      if (parent) lower(low, parent.key, low.get(top.key) as number);
      if (low.get(top.key) !== index.get(top.key)) continue;
      const component = open.splice(open.lastIndexOf(top.key));
      for (const key of component) isOpen.delete(key);
      if (component.length > 1 || graph.get(top.key)?.upstreams.has(top.key)) found.push(component);
    }
  }
  return found;
}

function lower(low: Map<string, number>, key: string, value: number): void {
  low.set(key, Math.min(low.get(key) as number, value));
}

/**
 * Models that go with the removed ones: what they needed, was not asked for by name, and nothing else needs; and so on upwards.
 * @returns the removed models with those
 */
export function withUnusedUpstreams(
  removed: Iterable<string>,
  sources: ReadonlyMap<string, ModelSource>,
  graph: DependencyGraph,
): Set<string> {
  const users = new Map<string, number>();
  for (const { upstreams } of graph.values()) {
    for (const upstream of upstreams.keys()) users.set(upstream, (users.get(upstream) ?? 0) + 1);
  }
  const gone = new Set(removed);
  for (const key of gone) {
    for (const upstream of graph.get(key)?.upstreams.keys() ?? []) {
      const left = (users.get(upstream) ?? 1) - 1;
      users.set(upstream, left);
      if (left === 0 && !sources.get(upstream)?.explicitlyLoaded) gone.add(upstream);
    }
  }
  return gone;
}
