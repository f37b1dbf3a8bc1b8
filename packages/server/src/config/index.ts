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
export { type FieldPath, printFieldPath } from './field-path.ts';
export { MAX_INSTANCES, normalizeInstanceGroups } from './instance-group.ts';
export { parseModelConfigJson } from './json/reader.ts';
export { modelConfigToJson } from './json/writer.ts';
export { normalizeModelConfig } from './normalize.ts';
export type { ConfigProblem } from './problem.ts';
export { modelSignature } from './signature.ts';
export type { TextLocations } from './text/locations.ts';
export { type ParsedConfig, parseModelConfigText, parseModelConfigWithLocations } from './text/parser.ts';
export { ConfigTextError, describeTextProblem, type TextPosition, type TextProblem } from './text/problem.ts';
export {
  type CompletionOptions,
  completeModelConfig,
  validateInstanceGroups,
  validateModelConfig,
  validateModelIo,
} from './validate.ts';
