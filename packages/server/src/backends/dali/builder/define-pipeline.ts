import { DALI_TYPES, type ElementType, type PipelineDef } from '../format/index.ts';
import { type OperatorFunctions, operatorFunctions } from './functions.ts';
import type { DataNode } from './node.ts';
import { PipelineBuilder, tensor } from './pipeline-builder.ts';

/** What Python's `@pipeline_def(...)` takes. */
export interface PipelineOptions {
  /** Largest batch; a model configuration's `max_batch_size` overrides it. */
  readonly batchSize: number;
  /** Default 4; a model configuration's `num_threads` parameter overrides it. */
  readonly numThreads?: number;
  readonly deviceId?: number;
  readonly seed?: bigint;
  /** Declared type and dimensions (of a sample) per output, for auto-complete. */
  readonly outputs?: readonly { readonly dtype?: ElementType; readonly ndim?: number }[];
}

/**
 * Describes a DALI pipeline in TypeScript. `writePipeline` turns the result into the bytes of a `model.dali`, readable by NVIDIA DALI too.
 *
 * ```ts
 * const pipeline = definePipeline({ batchSize: 3, numThreads: 1 }, (fn) => {
 *   const encoded = fn.externalSource({ name: 'DALI_INPUT_0' });
 *   const images = fn.decoders.image(encoded, { device: 'mixed', outputType: 'RGB' });
 *   return fn.cropMirrorNormalize(fn.resize(images, { resizeX: 299, resizeY: 299 }), { outputLayout: 'HWC' });
 * });
 * await writeFile('model.dali', writePipeline(pipeline));
 * ```
 *
 * Throws TypeError for values DALI's arguments do not take.
 */
export function definePipeline(
  options: PipelineOptions,
  define: (fn: OperatorFunctions) => DataNode | readonly DataNode[],
): PipelineDef {
  const builder = new PipelineBuilder();
  const result = define(operatorFunctions(builder));
  const nodes = Array.isArray(result) ? (result as readonly DataNode[]) : [result as DataNode];
  return {
    numThreads: options.numThreads ?? 4,
    batchSize: options.batchSize,
    deviceId: options.deviceId ?? 0,
    seed: options.seed ?? -1n,
    ops: builder.ops,
    externalInputs: [],
    outputs: nodes.map((node, index) => {
      const declared = options.outputs?.[index];
      return {
        ...tensor(node),
        dtype: declared?.dtype === undefined ? DALI_TYPES.NO_TYPE : DALI_TYPES[declared.dtype],
        ndim: declared?.ndim ?? -1,
      };
    }),
  };
}
