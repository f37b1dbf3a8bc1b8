import type { StatusError } from '@nereid/protocol';
import { type ModelConfig, toProtocolDataType } from '../../config/index.ts';
import type { Backend, BackendModel, ModelLoadContext, ModelSignature } from '../../inference/index.ts';
import { completeFromPipeline, type PipelineInterface, validateAgainstPipeline } from './complete-config.ts';
import { invalid } from './config-io.ts';
import { DaliModel } from './dali-model.ts';
import { type ElementType, elementTypeOfProtocol, protocolType } from './format/index.ts';
import { isBatched, numThreads, splitOutputs, workerSettings } from './parameters.ts';
import { type CompiledPipeline, inferOutputTypes } from './pipeline/index.ts';
import { type LoadedPipeline, loadPipeline } from './pipeline-file.ts';
import { SharedPool } from './shared-pool.ts';

/**
 * Triton's `dali` backend without DALI and without a GPU: `model.dali` is read, and its operators run on the CPU with DALI's semantics, on worker threads.
 * Model parameters `num_threads` and `split_along_outer_axis`; `--backend-config=dali,…` as `workerSettings` says.
 */
export class DaliBackend implements Backend {
  readonly name = 'dali';
  readonly defaultInstanceCount = 1;
  readonly #pool = new SharedPool();

  async autoComplete(context: ModelLoadContext): Promise<ModelConfig> {
    const loaded = await loadPipeline(context);
    return completeFromPipeline(context.config, await describe(loaded, context));
  }

  async load(context: ModelLoadContext, signature: ModelSignature): Promise<BackendModel> {
    const plugins = context.backendConfig.get('plugin_libs') ?? '';
    if (plugins !== '')
      context.log.error(`Failed to load plugin libs: ${plugins}: plug-ins need DALI itself`, 'dali_backend.cc');
    const loaded = await loadPipeline(context);
    const description = await describe(loaded, context);
    validateAgainstPipeline(context.config, description);
    checkOutputTypes(loaded.compiled, signature);
    const threads = numThreads(context.config) ?? Math.max(loaded.definition.numThreads, 1);
    const lease = this.#pool.acquire(threads, workerSettings(context.backendConfig));
    const contextId = lease.pool.addContext(loaded.bytes);
    const model = new DaliModel({
      handle: { pipeline: loaded.compiled, pool: lease.pool, contextId, numThreads: threads },
      signature,
      splitOutputs: description.isBatched ? splitOutputs(context.config) : new Set(),
      release: () => {
        lease.pool.removeContext(contextId);
        lease.release();
      },
      log: context.log,
    });
    try {
      await lease.pool.start(1);
      return model;
    } catch (error) {
      await model.unload();
      throw error;
    }
  }
}

/** Inputs in the order of their names, as DALI lists them; outputs in the pipeline's. */
async function describe(
  { compiled, definition }: LoadedPipeline,
  { config, modelDirectory }: ModelLoadContext,
): Promise<PipelineInterface> {
  const split = splitOutputs(config);
  const types = inferOutputTypes(compiled, configuredTypes(config));
  return {
    inputs: compiled.sources.toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)),
    outputs: compiled.outputs.map((output, index) => ({
      name: output.name,
      type: output.type ?? types[index],
      ndim: output.ndim === undefined || !split.has(output.name) ? output.ndim : Math.max(output.ndim - 1, 0),
    })),
    maxBatchSize: definition.batchSize,
    isBatched: await isBatched(modelDirectory),
  };
}

/** Types that the configuration gives to inputs the pipeline leaves open. */
function configuredTypes(config: ModelConfig): Map<string, ElementType> {
  const types = new Map<string, ElementType>();
  for (const { name, dataType } of config.input) {
    const protocolName = toProtocolDataType(dataType);
    const type = protocolName === undefined ? undefined : elementTypeOfProtocol(protocolName);
    if (type !== undefined) types.set(name, type);
  }
  return types;
}

/** A wrong output type is told at load, not with the first picture. */
function checkOutputTypes(pipeline: CompiledPipeline, signature: ModelSignature): void {
  const inputTypes = new Map<string, ElementType>();
  for (const { name, dataType } of signature.inputs) {
    const type = elementTypeOfProtocol(dataType);
    if (type === undefined) throw unsupportedType(name, dataType);
    inputTypes.set(name, type);
  }
  inferOutputTypes(pipeline, inputTypes).forEach((type, index) => {
    const output = signature.outputs[index]!;
    if (type !== undefined && protocolType(type) !== output.dataType) {
      throw invalid(
        `Mismatch of data_type config for "${output.name}".\nData type defined in config: TYPE_${output.dataType}\n` +
          `Data type defined in pipeline: TYPE_${protocolType(type)}`,
      );
    }
  });
}

function unsupportedType(name: string, dataType: string): StatusError {
  return invalid(`The input "${name}" has data_type TYPE_${dataType}, which DALI does not have.`);
}
