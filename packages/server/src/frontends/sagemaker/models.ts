import { setTimeout as delay } from 'node:timers/promises';
import { StatusError } from '@nereid/protocol';
import type { InferenceServer } from '../../inference/index.ts';
import { checkModelDirectory, type LoadRequest, modelDirectory } from './decode.ts';
import { locateModel } from './model-directory.ts';

/** How long a model may take to go away; SageMaker waits 360 s. */
const UNLOAD_TIMEOUT_MS = 350_000;
const UNLOAD_POLL_MS = 100;

/** The models of a multi-model endpoint, by SageMaker's name for them. */
export class MultiModelRegistry {
  readonly #server: InferenceServer;
  readonly #modelsRoot: string;
  /** Name -> registered repository. */
  readonly #repositories = new Map<string, string>();

  /** `modelsRoot`: directory below which SageMaker unpacks archives. */
  constructor(server: InferenceServer, modelsRoot: string) {
    this.#server = server;
    this.#modelsRoot = modelsRoot;
  }

  has(name: string): boolean {
    return this.#repositories.has(name);
  }

  /** The repository of a model; undefined when it is not loaded. */
  repository(name: string): string | undefined {
    return this.#repositories.get(name);
  }

  /** Newest first. A model that is loaded and not ready is listed without its name, as Triton does. */
  list(): readonly { readonly modelName?: string; readonly modelUrl?: string }[] {
    return [...this.#repositories]
      .reverse()
      .map(([modelName, modelUrl]) => (this.#isReady(modelName) ? { modelName, modelUrl } : {}));
  }

  /** Triton asks for version 1 of a model called like the hash, also where it was loaded under another name. */
  #isReady(name: string): boolean {
    try {
      return this.#server.isModelReady(name, 1);
    } catch {
      return false;
    }
  }

  /**
   * Registers the archive's directory as a repository and loads its model under the name `target`. Answers false for a directory that must
   * not be looked at. Rejects with StatusError; nothing stays registered then.
   */
  async load({ modelName, url }: LoadRequest, target: string): Promise<boolean> {
    if (url === '') throw new StatusError('INVALID_ARG', "failed to register '', repository not found");
    const directory = modelDirectory(url);
    if (directory === undefined) return false;
    checkModelDirectory(url, directory, this.#modelsRoot);
    const { repository, subdirectory } = await locateModel(directory.replace(/\/$/, ''));
    this.#server.registerRepository(repository, new Map([[subdirectory, target]]));
    try {
      await this.#server.loadModel(target);
    } catch (error) {
      this.#server.unregisterRepository(repository);
      throw error;
    }
    if (!this.#repositories.has(modelName)) this.#repositories.set(modelName, repository);
    return true;
  }

  /** Unloads `target` with its dependents, waits until it is gone and forgets its repository. Rejects with StatusError. */
  async unload(name: string, target: string): Promise<void> {
    const repository = this.#repositories.get(name);
    if (repository === undefined) return;
    await this.#server.unloadModel(target, { unloadDependents: true });
    const deadline = performance.now() + UNLOAD_TIMEOUT_MS;
    while (!this.#isUnloaded(target) && performance.now() < deadline) await delay(UNLOAD_POLL_MS);
    this.#repositories.delete(name);
    this.#server.unregisterRepository(repository);
  }

  #isUnloaded(name: string): boolean {
    const entries = this.#server.repositoryIndex(false).filter((entry) => entry.name === name);
    return entries.every(
      ({ state, reason }) => state === undefined || (state === 'UNAVAILABLE' && reason === 'unloaded'),
    );
  }
}
