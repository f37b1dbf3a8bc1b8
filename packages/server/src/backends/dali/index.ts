export { type DataNode, definePipeline, type OperatorFunctions, type PipelineOptions } from './builder/index.ts';
export { DaliBackend } from './dali-backend.ts';
export { type PipelineDef, PipelineFormatError, readPipeline, writePipeline } from './format/index.ts';
export { inspectPipeline, type PipelineInspection } from './inspect-pipeline.ts';
