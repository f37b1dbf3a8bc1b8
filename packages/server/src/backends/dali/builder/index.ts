export { definePipeline, type PipelineOptions } from './define-pipeline.ts';
export type { OperatorFunctions } from './functions.ts';
export type { DataNode, TypedConstant } from './node.ts';
