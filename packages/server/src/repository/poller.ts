import { StatusError } from '@nereid/protocol';
import { ensembleSteps } from '../config/index.ts';
import type { LoadOverrides, Logger } from '../inference/index.ts';
import { joinPath, listSubdirectories } from './files.ts';
import { compareModelIds, type ModelId, modelKey, printModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import type { ModelLocation, Registrations } from './registrations.ts';
import type { PollTarget, SourceReader } from './source-reader.ts';

const SOURCE = 'model_repository_manager.cc';

/** What polling found, against the models known before. Keys are `modelKey`s. */
export interface PollResult {
  /** Added and modified models. */
  readonly changed: ReadonlyMap<string, ModelSource>;
  readonly unmodified: ReadonlySet<string>;
  /** Models that must go because two repositories have them. */
  readonly duplicates: ReadonlySet<string>;
  /** Known models that could not be read; they go on as they were. */
  readonly failed: ReadonlySet<string>;
  /** False when anything could not be polled; the log says what. */
  readonly complete: boolean;
}

/** Looks for models in the repositories and reads those that changed. Never throws for a bad model: it logs and goes on. */
export class Poller {
  readonly #registrations: Registrations;
  readonly #reader: SourceReader;
  readonly #log: Logger;

  constructor(registrations: Registrations, reader: SourceReader, log: Logger) {
    this.#registrations = registrations;
    this.#reader = reader;
    this.#log = log;
  }

  /** Polls every model of every repository. */
  async pollAll(known: ReadonlyMap<string, ModelSource>): Promise<PollResult> {
    const pass = new Pass(this.#reader, this.#log, known);
    const locations = new Map<string, ModelLocation>();
    for (const repository of this.#registrations.repositories) {
      for (const location of await this.#list(repository, pass)) {
        const key = modelKey(location.id);
        if (locations.has(key)) pass.duplicates.add(key);
        else locations.set(key, location);
      }
    }
    for (const key of pass.duplicates) {
      const { id } = locations.get(key) as ModelLocation;
      locations.delete(key);
      pass.fail(`failed to poll model '${printModelId(id)}': not unique across all model repositories`);
    }
    await pass.poll(
      [...locations.values()].map((location) => ({ ...location, explicitlyLoaded: true, overrides: undefined })),
    );
    return pass;
  }

  /** Polls a model that is to be loaded, and what it needs: the steps of an ensemble, their steps, and so on. */
  async pollModel(
    name: string,
    overrides: LoadOverrides | undefined,
    known: ReadonlyMap<string, ModelSource>,
  ): Promise<PollResult> {
    const pass = new Pass(this.#reader, this.#log, known);
    const seen = new Set([name]);
    let names: readonly string[] = [name];
    while (names.length > 0) {
      const targets: PollTarget[] = [];
      for (const next of names)
        targets.push(...(await this.#locate(next, next === name ? overrides : undefined, next === name, pass)));
      const polled = await pass.poll(targets);
      names = stepNames(polled).filter((step) => !seen.has(step));
      for (const step of names) seen.add(step);
    }
    return pass;
  }

  async #list(repository: string, pass: Pass): Promise<ModelLocation[]> {
    try {
      const names = await listSubdirectories(repository);
      const namespace = this.#registrations.namespaceOf(repository);
      return names.map((name) => ({
        id: { namespace, name },
        modelDirectory: joinPath(repository, name),
        isMapped: false,
      }));
    } catch (error) {
      pass.fail(`failed to poll model repository '${repository}': ${StatusError.from(error).message}`);
      return [];
    }
  }

  async #locate(
    name: string,
    overrides: LoadOverrides | undefined,
    explicitlyLoaded: boolean,
    pass: Pass,
  ): Promise<PollTarget[]> {
    const isMapped = this.#registrations.isMapped(name);
    if (overrides?.files && overrides.files.size > 0) {
      const id: ModelId = { namespace: '', name };
      return [{ id, modelDirectory: undefined, isMapped, explicitlyLoaded, overrides }];
    }
    const locations = await this.#registrations.locate(name, (message) => pass.fail(message));
    return locations.map((location) => ({ ...location, explicitlyLoaded, overrides }));
  }
}

/** The names of all steps, each once, in the order of their bytes. */
function stepNames(sources: readonly ModelSource[]): string[] {
  return [...new Set(sources.flatMap((source) => ensembleSteps(source.config).map((step) => step.modelName)))].sort();
}

/** One go through the repositories. */
class Pass implements PollResult {
  readonly changed = new Map<string, ModelSource>();
  readonly unmodified = new Set<string>();
  readonly duplicates = new Set<string>();
  readonly failed = new Set<string>();
  complete = true;
  readonly #reader: SourceReader;
  readonly #log: Logger;
  readonly #known: ReadonlyMap<string, ModelSource>;

  constructor(reader: SourceReader, log: Logger, known: ReadonlyMap<string, ModelSource>) {
    this.#reader = reader;
    this.#log = log;
    this.#known = known;
  }

  fail(message: string): void {
    this.complete = false;
    this.#log.error(message, SOURCE);
  }

  /** Reads the targets one after the other, so that the log has them in order. Returns what each of them is now. */
  async poll(targets: readonly PollTarget[]): Promise<ModelSource[]> {
    const polled: ModelSource[] = [];
    for (const target of [...targets].sort((a, b) => compareModelIds(a.id, b.id))) {
      const key = modelKey(target.id);
      const known = this.#known.get(key);
      const source = await this.#read(target, known);
      if (source !== undefined) this.changed.set(key, source);
      else if (known !== undefined && !this.failed.has(key)) this.unmodified.add(key);
      const now = source ?? known;
      if (now !== undefined) polled.push(now);
    }
    return polled;
  }

  async #read(target: PollTarget, known: ModelSource | undefined): Promise<ModelSource | undefined> {
    try {
      return await this.#reader.read(target, known);
    } catch (error) {
      const { message } = StatusError.from(error);
      this.fail(`Poll failed for model directory '${printModelId(target.id)}': ${message}`);
      if (known) this.failed.add(modelKey(target.id));
      return undefined;
    }
  }
}
