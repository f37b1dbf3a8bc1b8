import { clone } from '@bufbuild/protobuf';
import type { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import type { ModelConfig } from '../../config/index.ts';
import type { Backend, BackendModel, ModelLoadContext, ModelSignature } from '../../inference/index.ts';
import { completeFromModel, isComplete, logSkipped } from './auto-complete.ts';
import { toStatusError } from './errors.ts';
import { loadOnnxModel } from './model.ts';
import { modelInterface } from './model-interface.ts';
import { findModelFile } from './model-path.ts';
import { parseInteger, sessionOptions } from './parameters.ts';
import type { SharedRuntime } from './shared-runtime.ts';

/** What the command line sets when nothing is given. */
const DEFAULT_MAX_BATCH_SIZE = '4';

/** ONNX models as they are (`backend: "onnxruntime"`). Messages and rules are those of Triton's onnxruntime_backend. */
export class OnnxRuntimeBackend implements Backend {
  readonly name = 'onnxruntime';
  readonly defaultInstanceCount = 2;
  readonly #runtime: SharedRuntime;

  constructor(runtime: SharedRuntime) {
    this.#runtime = runtime;
  }

  async autoComplete(context: ModelLoadContext): Promise<ModelConfig> {
    const config = clone(ModelConfigSchema, context.config);
    if (isComplete(config)) {
      logSkipped(config, context.log);
      return config;
    }
    const defaultSize = parseInteger(context.backendConfig.get('default-max-batch-size') ?? DEFAULT_MAX_BATCH_SIZE);
    const options = sessionOptions(config, context.backendConfig);
    try {
      const file = await findModelFile(context);
      const session = await this.#runtime.get(context.backendConfig).load(file, options);
      try {
        completeFromModel(config, modelInterface(session), defaultSize, context.log);
      } finally {
        await session.release();
      }
    } catch (error) {
      throw toStatusError(error);
    }
    return config;
  }

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    try {
      const model = await findModelFile(context);
      return await loadOnnxModel(this.#runtime.get(context.backendConfig), context, signature, { model });
    } catch (error) {
      throw logFailure(context, toStatusError(error));
    }
  }
}

/** Triton makes a session per instance and reports each that fails. */
function logFailure(context: ModelLoadContext, error: StatusError): StatusError {
  const instances = context.config.instanceGroup.reduce((sum, group) => sum + group.count, 0);
  for (let instance = 0; instance < instances; instance++) {
    context.log.error(`ERROR: Failed to create instance: ${error.message}`, 'backend_model.cc');
  }
  return error;
}
