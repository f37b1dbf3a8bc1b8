import { join } from 'node:path';
import { IMPORTER_REVISION } from '@nereid/importers/revision';
import { StatusError } from '@nereid/protocol';
import type { Backend, BackendModel, ModelLoadContext, ModelSignature } from '../../inference/index.ts';
import { loadOnnxModel, type SharedRuntime } from '../onnxruntime/index.ts';
import { type Bindings, bindingsOf } from './bindings.ts';
import { checkBeforeLoad, checkTensors } from './check-config.ts';
import { ContentHashes } from './content-hash.ts';
import { type CachedImport, cacheKey, ImportCache } from './import-cache.ts';
import { findGraphFile } from './model-path.ts';
import { sessionOptions } from './parameters.ts';
import type { TranslationTask } from './translate.ts';
import { translateApart } from './translate-apart.ts';

/** Graphs up to this size take milliseconds; a process takes a tenth of a second to start. */
const INLINE_MAX_BYTES = 2 ** 20;

interface GraphFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Frozen TensorFlow graphs (`platform: "tensorflow_graphdef"`), translated to ONNX when they are loaded and run by ONNX Runtime. Large ones are
 * translated once: what becomes of them is kept in the cache directory, by content. Messages are those of Triton's tensorflow_backend.
 */
export class TensorflowBackend implements Backend {
  readonly name = 'tensorflow';
  readonly defaultInstanceCount = 2;
  readonly #runtime: SharedRuntime;

  constructor(runtime: SharedRuntime) {
    this.#runtime = runtime;
  }

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    const { config } = context;
    checkBeforeLoad(config);
    const options = sessionOptions(config, context.log);
    const file = await findGraphFile(context);
    const imported = await this.#import(context, file, bindingsOf(config));
    try {
      checkTensors(config, imported.inputs, imported.outputs);
      const runtime = this.#runtime.get(context.backendConfig);
      return await loadOnnxModel(runtime, context, signature, {
        model: imported.onnx,
        options,
        checkConfig: false,
        cStrings: false,
      });
    } finally {
      // 90 MB that the garbage collector would find only later.
      imported.onnx.buffer.transfer(0);
    }
  }

  async #import(context: ModelLoadContext, file: GraphFile, bindings: Bindings): Promise<CachedImport> {
    const task = { path: file.path, modelName: context.modelName, bindings };
    if (file.bytes <= INLINE_MAX_BYTES) {
      // Loaded when the first graph needs it: a server that finds its imports in the cache starts without the importers.
      const { translate } = await import('./translate.ts');
      return translate(task);
    }
    if (context.cacheDirectory === undefined) return withoutCache(task);
    const cache = new ImportCache(join(context.cacheDirectory, 'tensorflow', 'models'));
    const hash = await new ContentHashes(join(context.cacheDirectory, 'tensorflow', 'hashes'))
      .of(file.path)
      .catch((error: unknown) => {
        throw StatusError.from(error);
      });
    const found = await cache.find(this.#key(context, hash, bindings));
    return found ?? this.#throughCache(context, cache, task);
  }

  /** A cache that cannot be written costs time and memory, nothing else. */
  async #throughCache(context: ModelLoadContext, cache: ImportCache, task: TranslationTask): Promise<CachedImport> {
    const notKept = (reason: string): void =>
      context.log.warning(`import of model '${context.modelName}' is not kept: ${reason}`, 'tensorflow.cc');
    try {
      return await cache.store(async (path) => {
        const { onnx, notWritten, ...facts } = await translateApart({ ...task, optimizedPath: path });
        if (notWritten !== undefined) notKept(notWritten);
        if (onnx !== undefined) return { ...facts, onnx };
        return { ...facts, key: this.#key(context, facts.contentHash, task.bindings) };
      });
    } catch (error) {
      if (error instanceof StatusError) throw error;
      notKept(error instanceof Error ? error.message : String(error));
      return withoutCache(task);
    }
  }

  #key(context: ModelLoadContext, hash: string, bindings: Bindings): string {
    return cacheKey([IMPORTER_REVISION, this.#runtime.get(context.backendConfig).version, hash, bindings]);
  }
}

async function withoutCache(task: TranslationTask): Promise<CachedImport> {
  const { onnx, ...facts } = await translateApart({ ...task, optimizedPath: undefined });
  if (onnx !== undefined) return { ...facts, onnx };
  throw new StatusError('INTERNAL', `the import of model '${task.modelName}' gave no model`);
}
