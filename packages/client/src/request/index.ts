export { modelNameAndVersion } from './model-ref.ts';
export { checkUnsigned, prepareRequest, toInferResult } from './prepare.ts';
