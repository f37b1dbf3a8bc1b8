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
import type { Translation } from './translate.ts';
import { INLINE_MAX_BYTES, translateOffThread } from './translate-off-thread.ts';

/** Above this, ONNX Runtime would have to write the weights into a second file. */
const OPTIMIZED_MAX_BYTES = 1.9e9;

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
      return await loadOnnxModel(runtime, context, signature, { model: imported.onnx, options, checkConfig: false });
    } finally {
      // 90 MB that the garbage collector would find only later.
      imported.onnx.buffer.transfer(0);
    }
  }

  async #import(context: ModelLoadContext, file: GraphFile, bindings: Bindings): Promise<CachedImport> {
    const task = { path: file.path, modelName: context.modelName, bindings };
    if (context.cacheDirectory === undefined || file.bytes <= INLINE_MAX_BYTES)
      return translateOffThread(task, file.bytes);
    const cache = new ImportCache(join(context.cacheDirectory, 'tensorflow', 'models'));
    const hash = await new ContentHashes(join(context.cacheDirectory, 'tensorflow', 'hashes'))
      .of(file.path)
      .catch((error: unknown) => {
        throw StatusError.from(error);
      });
    const found = await cache.find(this.#key(context, hash, bindings));
    if (found !== undefined) return found;
    const translation = await translateOffThread(task, file.bytes);
    return this.#stored(context, cache, translation, bindings);
  }

  /**
   * Keeps a translation in the form it has after ONNX Runtime's first simplifications (transposes cancelled, batch normalisations folded): a
   * session is made of that in half the time. That level gives plain ONNX, which any machine can load.
   */
  async #stored(
    context: ModelLoadContext,
    cache: ImportCache,
    translation: Translation,
    bindings: Bindings,
  ): Promise<CachedImport> {
    if (translation.onnx.length > OPTIMIZED_MAX_BYTES) return translation;
    const runtime = this.#runtime.get(context.backendConfig);
    try {
      const onnx = await cache.store(
        this.#key(context, translation.contentHash, bindings),
        translation,
        async (path) => {
          const options = { graphOptimization: 'basic', optimizedModelPath: path } as const;
          await (await runtime.load(translation.onnx, options)).release();
        },
      );
      translation.onnx.buffer.transfer(0);
      return { inputs: translation.inputs, outputs: translation.outputs, onnx };
    } catch (error) {
      // A cache that cannot be written costs time, nothing else. What is wrong with the model itself, the next step says.
      const reason = error instanceof Error ? error.message : String(error);
      context.log.warning(`import of model '${context.modelName}' is not kept: ${reason}`, 'tensorflow.cc');
      return translation;
    }
  }

  #key(context: ModelLoadContext, hash: string, bindings: Bindings): string {
    return cacheKey([IMPORTER_REVISION, this.#runtime.get(context.backendConfig).version, hash, bindings]);
  }
}
