export {
  type ErrorCode,
  InferenceServerError,
  type InferenceServerErrorOptions,
  invalidArgument,
  invalidResponse,
} from './inference-server-error.ts';
