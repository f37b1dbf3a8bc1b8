import type { StatusError } from '@nereid/protocol';
import type { LoadOverrides, Logger } from '../inference/index.ts';
import { type Dependencies, inLoadOrder, withUnusedUpstreams } from './dependency-graph.ts';
import type { ModelLifecycle } from './lifecycle.ts';
import { ModelLocks, Mutex } from './locks.ts';
import type { ModelSource } from './model-source.ts';
import { type ModelSet, type ModelUpdate, NO_MODELS, planUpdate } from './model-update.ts';
import type { Poller, PollResult } from './poller.ts';
import { type ModelStanding, UpdateRunner } from './update-runner.ts';
import type { LoadedVersion } from './version-loader.ts';

/** How a load request went. */
export interface LoadOutcome {
  /** False when something could not be polled. */
  readonly complete: boolean;
  /** What failed, by `modelKey`, among all models that were loaded for it. */
  readonly failures: ReadonlyMap<string, StatusError>;
}

/**
 * The models that are known, and the operations that change them. What changes is planned one operation at a time; the loading that follows
 * runs beside that of other operations as long as they touch other models.
 */
export class ModelChanges<Version extends LoadedVersion> {
  readonly #poller: Poller;
  readonly #lifecycle: ModelLifecycle<Version>;
  readonly #runner: UpdateRunner<Version>;
  readonly #standings = new Map<string, ModelStanding>();
  readonly #planning = new Mutex();
  readonly #locks = new ModelLocks();
  /** `modelKey`s by name; a name stays when its last model goes. */
  readonly #keysByName = new Map<string, Set<string>>();
  #models: ModelSet = NO_MODELS;

  constructor(poller: Poller, lifecycle: ModelLifecycle<Version>, log: Logger) {
    this.#poller = poller;
    this.#lifecycle = lifecycle;
    this.#runner = new UpdateRunner(lifecycle, this.#standings, log);
  }

  /** Keys of the known models. */
  get keys(): Iterable<string> {
    return this.#models.sources.keys();
  }

  /** The models of a name; undefined for a name that was never known. */
  keysOf(name: string): ReadonlySet<string> | undefined {
    return this.#keysByName.get(name);
  }

  dependenciesOf(key: string): Dependencies | undefined {
    return this.#models.graph.get(key);
  }

  /** Looks at all repositories and follows what changed. @returns false when something could not be polled */
  async pollAll(): Promise<boolean> {
    const { poll } = await this.#change(async () => {
      const found = await this.#poller.pollAll(this.#models.sources);
      const gone = [...this.#models.sources.keys()].filter(
        (key) => !found.changed.has(key) && !found.unmodified.has(key),
      );
      // A model whose poll failed goes on as it was.
      const removed = new Set([...found.duplicates, ...gone.filter((key) => !found.failed.has(key))]);
      return { poll: found, update: planUpdate(this.#models, found.changed, removed), waitFor: [] };
    });
    return poll?.complete ?? true;
  }

  async load(name: string, overrides: LoadOverrides | undefined): Promise<LoadOutcome> {
    const { poll, standings } = await this.#change(async () => {
      const found = await this.#poller.pollModel(name, overrides, this.#models.sources);
      const current = askedFor(this.#models, name);
      return { poll: found, update: planUpdate(current, found.changed, new Set()), waitFor: found.unmodified };
    });
    const failures = new Map<string, StatusError>();
    for (const [key, { refusal, failure }] of standings) {
      const error = refusal ?? failure;
      if (error) failures.set(key, error);
    }
    return { complete: poll?.complete ?? true, failures };
  }

  /**
   * Settles when the models are out of service, not when they are gone.
   * @param name undefined: all models
   * @param cascade also what only the removed models need
   */
  async unload(name: string | undefined, cascade: boolean): Promise<void> {
    await this.#change(async () => {
      const { sources, graph } = this.#models;
      const known = name === undefined ? sources.keys() : (this.#keysByName.get(name) ?? []);
      const removed = cascade ? withUnusedUpstreams(known, sources, graph) : new Set(known);
      return { poll: undefined, update: planUpdate(this.#models, new Map(), removed), waitFor: [] };
    });
  }

  /** Plans until no other operation is on the same models, commits, and carries out. */
  async #change(plan: () => Promise<Plan>): Promise<{ poll: PollResult | undefined; standings: Standings }> {
    for (;;) {
      const step = await this.#planning.run(async () => {
        const { poll, update, waitFor } = await plan();
        const affected = [...update.pending, ...update.removed, ...waitFor];
        const conflict = this.#locks.conflict(affected);
        if (conflict !== undefined) {
          await releaseOverrides(poll?.changed.values() ?? []);
          return { conflict };
        }
        const previous = this.#models;
        this.#commit(update, previous);
        return { poll, update, previous, unlock: this.#locks.lock(affected) };
      });
      if (!('conflict' in step)) return this.#carryOut(step);
      await step.conflict;
    }
  }

  #commit(update: ModelUpdate, previous: ModelSet): void {
    this.#models = update;
    for (const [key, { id }] of update.sources) {
      const keys = this.#keysByName.get(id.name);
      if (keys) keys.add(key);
      else this.#keysByName.set(id.name, new Set([key]));
    }
    for (const key of update.removed) {
      this.#standings.delete(key);
      this.#keysByName.get(previous.sources.get(key)?.id.name ?? '')?.delete(key);
    }
  }

  async #carryOut(step: CommittedPlan): Promise<{ poll: PollResult | undefined; standings: Standings }> {
    try {
      this.#unloadRemoved(step.update, step.previous);
      const standings = await this.#runner.run(step.update, step.previous);
      this.#forgetFailedTimes(standings);
      return { poll: step.poll, standings };
    } finally {
      await releaseOverrides(step.poll?.changed.values() ?? []);
      step.unlock();
    }
  }

  /** Every removed model is out of service at once; it is freed when the ensembles that were removed with it are. */
  #unloadRemoved(update: ModelUpdate, previous: ModelSet): void {
    const known = new Set([...update.removed].filter((key) => previous.sources.has(key)));
    const users = new Map<string, Promise<void>[]>();
    for (const key of inLoadOrder(known, previous.graph).reverse()) {
      const { id } = previous.sources.get(key) as ModelSource;
      const unloaded = this.#lifecycle.unload(id, Promise.all(users.get(key) ?? []));
      for (const upstream of previous.graph.get(key)?.upstreams.keys() ?? []) {
        const list = users.get(upstream);
        if (list) list.push(unloaded);
        else users.set(upstream, [unloaded]);
      }
    }
  }

  /** A model that failed to load is polled as if its files had not been seen, so that asking again tries again. */
  #forgetFailedTimes(standings: Standings): void {
    const sources = new Map(this.#models.sources);
    for (const [key, { failure }] of standings) {
      const source = sources.get(key);
      if (failure && source) sources.set(key, { ...source, timestamp: source.previousTimestamp });
    }
    this.#models = { ...this.#models, sources };
  }
}

/** The same models, those of one name noted as loaded for their own sake. */
function askedFor(models: ModelSet, name: string): ModelSet {
  const sources = new Map(models.sources);
  for (const [key, source] of models.sources) {
    if (source.id.name === name) sources.set(key, { ...source, explicitlyLoaded: true });
  }
  return { ...models, sources };
}

type Standings = ReadonlyMap<string, ModelStanding>;

interface Plan {
  readonly poll: PollResult | undefined;
  readonly update: ModelUpdate;
  /** Unchanged models that must not be in the middle of another operation. */
  readonly waitFor: Iterable<string>;
}

interface CommittedPlan {
  readonly poll: PollResult | undefined;
  readonly update: ModelUpdate;
  readonly previous: ModelSet;
  readonly unlock: () => void;
}

/** The operation lets go of the directories it made; versions that were loaded from them hold them on. */
async function releaseOverrides(sources: Iterable<ModelSource>): Promise<void> {
  for (const source of sources) await source.overrides?.release();
}
