export {
  type CompiledPipeline,
  compilePipeline,
  inferOutputTypes,
  type OperatorTable,
  type PipelineOutput,
  type PipelineSource,
} from './compile-pipeline.ts';
export { convertElements, roundHalfAway, type Store, saturatingStore } from './convert.ts';
export { OperatorError, PipelineCompileError } from './errors.ts';
export { type NamedTensors, OpArguments, type PerSample } from './op-arguments.ts';
export {
  type BatchOperator,
  type CompiledOperator,
  OperatorContext,
  type OperatorDefinition,
  type SampleOperator,
  sameTypeUnless,
} from './operator.ts';
export { runSamples } from './run-samples.ts';
export { type ElementArray, SampleTensor, Storage, viewElements, volume } from './sample-tensor.ts';
export { copyStrided, denseStrides, forEachRow, type StridedCopy } from './strided.ts';
