import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactError, type ArtifactStore, MemberPathError, memberSegments } from '../artifacts/index.ts';
import { type Clock, sleep } from '../clock.ts';
import { ServiceError, validationError } from '../errors.ts';
import type { ContainerAddress } from '../instances/index.ts';
import type { MultiModelRoute, RoutableInstance } from '../routing/index.ts';
import { CacheFullError, MultiModelCache } from './multi-model-cache.ts';
import { readText } from './read-text.ts';
import { bufferBody } from './request-body.ts';
import type { Upstream } from './upstream.ts';

export interface MultiModelOptions {
  readonly artifacts: ArtifactStore;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** Bytes of model files that one instance may hold in memory. */
  readonly maxBytesPerInstance: number;
  /** How long a request waits for its model; the load goes on after it. */
  readonly loadWaitMs: number;
}

/** A model that is loaded and stays so until `release`. */
export interface ModelLease {
  /** Of the container: `/models/<hash>/invoke`. */
  readonly path: string;
  /** `wasLost` tells that the container had not got it after all. */
  release(wasLost?: boolean): void;
}

/** The container refused to load a model. `status` and `text` are its own. */
export class ModelLoadError extends Error {
  readonly status: number;
  readonly text: string | undefined;

  constructor(status: number, text: string | undefined) {
    super(`the container answered ${status} to the load of a model`);
    this.status = status;
    this.text = text;
  }
}

/** AWS waits six minutes for a container to load or unload a model. */
const CONTAINER_TIMEOUT_MS = 360_000;
export const TARGET_MODEL_HEADER = 'x-amzn-sagemaker-target-model';

/** The opaque name under which a container knows an archive. */
export function modelHash(targetModel: string): string {
  return createHash('sha256').update(targetModel).digest('hex').slice(0, 32);
}

/** TargetModel is a path below the endpoint's prefix, and stays below it. Throws ValidationError. */
export function assertTargetModel(targetModel: string): void {
  try {
    const segments = memberSegments(targetModel);
    const isPlain = targetModel.replace(/^\.\//, '') === segments.join('/');
    if (segments.length > 0 && isPlain) return;
  } catch (error) {
    if (!(error instanceof MemberPathError)) throw error;
  }
  throw validationError(
    `1 validation error detected: Value '${targetModel.slice(0, 128)}' at 'targetModel' failed to satisfy constraint: Member must be the path of a model archive below the endpoint's model data`,
  );
}

async function directoryBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Models of multi-model endpoints: fetched and loaded on first use, unloaded when another needs the room. */
export class MultiModelLoader {
  readonly #options: MultiModelOptions;
  readonly #caches = new WeakMap<RoutableInstance, MultiModelCache>();
  readonly #fetches = new Map<string, Promise<number>>();

  constructor(options: MultiModelOptions) {
    this.#options = options;
  }

  /** True when the instance has the model, or is about to: requests for it stick to that instance. */
  holds(instance: RoutableInstance, targetModel: string): boolean {
    return this.#caches.get(instance)?.has(targetModel) ?? false;
  }

  /** Waits until the model can be invoked. Throws ValidationError, ModelNotReadyException, ModelLoadError. */
  async lease(
    instance: RoutableInstance,
    container: ContainerAddress,
    route: MultiModelRoute,
    targetModel: string,
  ): Promise<ModelLease> {
    const fetched = this.#fetch(route, targetModel);
    const bytes = await this.#inTime(fetched);
    const cache = this.#cache(instance, container);
    const use = cache.use(targetModel, bytes, () => this.#load(cache, container, route, targetModel));
    try {
      await this.#inTime(use.ready);
    } catch (error) {
      use.release();
      throw error;
    }
    return {
      path: `/models/${modelHash(targetModel)}/invoke`,
      release: (wasLost = false) => {
        use.release();
        if (wasLost) cache.forget(targetModel);
        else if (!route.cacheEnabled) void cache.evict(targetModel).catch(() => undefined);
      },
    };
  }

  #cache(instance: RoutableInstance, container: ContainerAddress): MultiModelCache {
    const known = this.#caches.get(instance);
    if (known) return known;
    const cache = new MultiModelCache({
      maxBytes: this.#options.maxBytesPerInstance,
      unload: (model) => this.#unload(container, model),
    });
    this.#caches.set(instance, cache);
    return cache;
  }

  /** Unpacks an archive once for all instances of a variant; its unpacked size in bytes. */
  #fetch(route: MultiModelRoute, targetModel: string): Promise<number> {
    const directory = join(route.baseDirectory, 'models', modelHash(targetModel), 'model');
    const running = this.#fetches.get(directory);
    if (running !== undefined) return running;
    const work = async (): Promise<number> => {
      const known = await stat(directory).catch(() => undefined);
      if (!known) {
        const url = route.modelDataPrefix + targetModel;
        await this.#options.artifacts.unpackTo(url, directory, AbortSignal.timeout(route.downloadTimeoutMs));
      }
      return directoryBytes(directory);
    };
    const fetch = work().catch((error: unknown) => {
      this.#fetches.delete(directory);
      throw error instanceof ArtifactError ? validationError(error.message) : error;
    });
    this.#fetches.set(directory, fetch);
    return fetch;
  }

  async #load(
    cache: MultiModelCache,
    container: ContainerAddress,
    route: MultiModelRoute,
    targetModel: string,
  ): Promise<void> {
    const hash = modelHash(targetModel);
    const url = join(route.baseDirectory, 'models', hash, 'model');
    const body = JSON.stringify({ model_name: hash, url });
    for (;;) {
      const answer = await this.#call(container, 'POST', '/models', targetModel, body);
      // 409: it is loaded already, for example by a request that gave up waiting.
      if (answer.status === 200 || answer.status === 409) return;
      if (answer.status !== 507) throw new ModelLoadError(answer.status, answer.text);
      try {
        await cache.evictOne();
      } catch (error) {
        if (error instanceof CacheFullError) throw new ModelLoadError(answer.status, answer.text);
        throw error;
      }
    }
  }

  async #unload(container: ContainerAddress, targetModel: string): Promise<void> {
    const answer = await this.#call(container, 'DELETE', `/models/${modelHash(targetModel)}`, targetModel, undefined);
    if (answer.status !== 200 && answer.status !== 404) throw new ModelLoadError(answer.status, answer.text);
  }

  async #call(
    target: ContainerAddress,
    method: 'POST' | 'DELETE',
    path: string,
    targetModel: string,
    body: string | undefined,
  ): Promise<{ status: number; text: string | undefined }> {
    const headers = [TARGET_MODEL_HEADER, targetModel];
    if (body !== undefined) headers.push('content-type', 'application/json');
    const answer = await this.#options.upstream.send({
      target,
      method,
      path,
      headers,
      body: body === undefined ? undefined : bufferBody(Buffer.from(body)),
      timeoutMs: CONTAINER_TIMEOUT_MS,
      caller: undefined,
    });
    return { status: answer.status, text: await readText(answer) };
  }

  async #inTime<Value>(work: Promise<Value>): Promise<Value> {
    const late = new AbortController();
    const timeout = sleep(this.#options.clock, this.#options.loadWaitMs, late.signal).then(() => {
      throw new ServiceError(
        'ModelNotReadyException',
        'The model for your inference request is still being loaded. Try your request again.',
        { httpStatus: 429 },
      );
    });
    timeout.catch(() => undefined);
    // When the load outlives the wait, its failure is for the next request to find.
    work.catch(() => undefined);
    try {
      return await Promise.race([work, timeout]);
    } finally {
      late.abort();
    }
  }
}
