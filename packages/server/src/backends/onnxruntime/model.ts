import type { LoadOptions, OnnxRuntime, Session } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import type { BackendModel, ModelInstance, ModelLoadContext, ModelSignature } from '../../inference/index.ts';
import { BatchIo } from '../batch/index.ts';
import { describeFile } from '../foreign-file.ts';
import { checkConfig } from './check-config.ts';
import { toStatusError } from './errors.ts';
import { type InstanceParts, OnnxInstance } from './instance.ts';
import { modelInterface } from './model-interface.ts';
import { sessionOptions } from './parameters.ts';
import { TensorMap, type TensorNames } from './tensor-map.ts';

export interface OnnxModelOptions {
  /** Path of an ONNX file, or its contents. */
  readonly model: string | Uint8Array;
  /** Session options that win over those of the configuration. */
  readonly options?: LoadOptions;
  /** Whether the configuration is checked against the model with the ONNX Runtime backend's texts. Default true. */
  readonly checkConfig?: boolean;
  /** Names in the ONNX model where they differ from the configuration's. */
  readonly names?: TensorNames;
  /** Whether strings end at their first NUL, as with Triton's ONNX Runtime backend, which hands over C strings. Default true. */
  readonly cStrings?: boolean;
}

/**
 * Loads a model version that runs on ONNX Runtime, whatever format it was written in: for backends that translate models to ONNX.
 * @throws StatusError; nothing is left allocated then
 */
export async function loadOnnxModel(
  runtime: OnnxRuntime,
  context: ModelLoadContext,
  signature: ModelSignature,
  options: OnnxModelOptions,
): Promise<BackendModel> {
  const load = { ...sessionOptions(context.config, context.backendConfig), ...options.options };
  let session: Session | undefined;
  try {
    session = await runtime.load(options.model, load);
    if (options.checkConfig ?? true) checkConfig(context.config, modelInterface(session));
    return new OnnxModel({
      session,
      batchIo: new BatchIo(context.config, signature),
      tensors: new TensorMap(context.config, session, options.names ?? {}, options.cStrings ?? true),
    });
  } catch (error) {
    await session?.release();
    throw await explained(toStatusError(error), options.model);
  }
}

/** Adds to ONNX Runtime's words what a file is that is no model at all. */
async function explained(error: StatusError, model: string | Uint8Array): Promise<StatusError> {
  if (typeof model !== 'string' || !error.message.includes(model)) return error;
  const foreign = await describeFile(model);
  if (foreign === undefined) return error;
  return new StatusError(error.code, `${error.message} (${foreign})`, { cause: error });
}

/** One loaded version: a session that all its instances run on. */
class OnnxModel implements BackendModel {
  readonly #parts: InstanceParts;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
  }

  async createInstance(name: string): Promise<ModelInstance> {
    return new OnnxInstance(name, this.#parts);
  }

  unload(): Promise<void> {
    return this.#parts.session.release();
  }
}
