export { TensorflowBackend } from './backend.ts';
