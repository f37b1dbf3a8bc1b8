export type { ModelConfig, ModelEnsembling_Step } from '@nereid/protocol/model-config';
export { autofillBackend, type DirectoryListing } from './autofill.ts';
export { configDataTypeName, toConfigDataType, toProtocolDataType } from './data-type.ts';
export { printDims } from './dims.ts';
export {
  type ComposingModel,
  type EnsembleContext,
  type EnsembleTensors,
  ensembleSteps,
  inspectEnsemble,
  validateEnsemble,
} from './ensemble.ts';
export type { EnsembleTensor } from './ensemble-tensors.ts';
export type { FieldPath } from './field-path.ts';
export { instanceGroupProblems, normalizeInstanceGroups } from './instance-group.ts';
export { parseModelConfigJson } from './json/reader.ts';
export { modelConfigToJson } from './json/writer.ts';
export { normalizeModelConfig } from './normalize.ts';
export {
  CONFIG_FILE,
  CONFIGS_DIRECTORY,
  INITIAL_STATE_DIRECTORY,
  KNOWN_PLATFORMS,
  WARMUP_DIRECTORY,
} from './platform.ts';
export type { ConfigProblem } from './problem.ts';
export { metricsWarnings } from './rules/metrics.ts';
export { modelIoProblems } from './rules/tensor-io.ts';
export { modelSignature } from './signature.ts';
export { type StepOptions, stepOptions } from './step-options.ts';
export type { TextLocations } from './text/locations.ts';
export { type ParsedConfig, parseModelConfigText, parseModelConfigWithLocations } from './text/parser.ts';
export { ConfigTextError, describeTextProblem, type TextPosition, type TextProblem } from './text/problem.ts';
export { modelConfigToText } from './text/writer.ts';
export {
  type CompletionOptions,
  completeModelConfig,
  modelConfigProblems,
  validateModelConfig,
  validateModelIo,
} from './validate.ts';
