import { StatusError } from '@nereid/protocol';
import { ConfigTextError, ensembleSteps } from '../config/index.ts';
import type { LoadOverrides, Logger } from '../inference/index.ts';
import { joinPath, listSubdirectories } from './files.ts';
import { compareModelIds, type ModelId, modelKey, printModelId } from './model-id.ts';
import type { ModelSource } from './model-source.ts';
import type { ModelLocation, Registrations } from './registrations.ts';
import type { PollTarget, SourceReader } from './source-reader.ts';

const SOURCE = 'model_repository_manager.cc';
/** Models that are read at the same time. */
const PARALLEL_READS = 16;

/** Given what is wrong with a configuration's text, before the poll's failure is logged. */
export type OnTextError = (error: ConfigTextError) => void;

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
  readonly #onTextError: OnTextError;

  constructor(registrations: Registrations, reader: SourceReader, log: Logger, onTextError: OnTextError) {
    this.#registrations = registrations;
    this.#reader = reader;
    this.#log = log;
    this.#onTextError = onTextError;
  }

  /** Polls every model of every repository. */
  async pollAll(known: ReadonlyMap<string, ModelSource>): Promise<PollResult> {
    const pass = new Pass(this.#reader, this.#log, this.#onTextError, known);
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
    const pass = new Pass(this.#reader, this.#log, this.#onTextError, known);
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
  readonly #onTextError: OnTextError;
  readonly #known: ReadonlyMap<string, ModelSource>;

  constructor(reader: SourceReader, log: Logger, onTextError: OnTextError, known: ReadonlyMap<string, ModelSource>) {
    this.#reader = reader;
    this.#log = log;
    this.#onTextError = onTextError;
    this.#known = known;
  }

  fail(message: string): void {
    this.complete = false;
    this.#log.error(message, SOURCE);
  }

  /** Reads several targets at a time and reports them in the order of their names. Returns what each of them is now. */
  async poll(targets: readonly PollTarget[]): Promise<ModelSource[]> {
    const polled: ModelSource[] = [];
    const sorted = [...targets].sort((a, b) => compareModelIds(a.id, b.id));
    for (let start = 0; start < sorted.length; start += PARALLEL_READS) {
      const batch = sorted.slice(start, start + PARALLEL_READS);
      const results = await Promise.allSettled(batch.map((target) => this.#reader.read(target, this.#knownAs(target))));
      for (const [index, result] of results.entries()) {
        const now = this.#note(batch[index] as PollTarget, result);
        if (now !== undefined) polled.push(now);
      }
    }
    return polled;
  }

  #knownAs(target: PollTarget): ModelSource | undefined {
    return this.#known.get(modelKey(target.id));
  }

  #note(target: PollTarget, result: PromiseSettledResult<ModelSource | undefined>): ModelSource | undefined {
    const key = modelKey(target.id);
    const known = this.#known.get(key);
    if (result.status === 'rejected') {
      const error = StatusError.from(result.reason);
      if (error.cause instanceof ConfigTextError) this.#onTextError(error.cause);
      this.fail(`Poll failed for model directory '${printModelId(target.id)}': ${error.message}`);
      if (known) this.failed.add(key);
    } else if (result.value !== undefined) {
      this.changed.set(key, result.value);
      return result.value;
    } else if (known) {
      this.unmodified.add(key);
    }
    return known;
  }
}
