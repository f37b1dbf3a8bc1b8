export { OnnxRuntimeBackend } from './backend.ts';
export { loadOnnxModel, type OnnxModelOptions } from './model.ts';
export { SharedRuntime } from './shared-runtime.ts';
export type { TensorNames } from './tensor-map.ts';
