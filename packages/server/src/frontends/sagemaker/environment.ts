/** How `/invocations` runs a request (`SAGEMAKER_TRITON_INFERENCE_TYPE`). */
export type InferenceType = 'infer' | 'generate' | 'generate_stream';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the front end reads from the environment. */
export interface SagemakerSettings {
  /** `SAGEMAKER_TRITON_PING_MODE`: `/ping` says whether the server lives, or (any other value) whether it is ready. */
  readonly pingMode: 'live' | 'ready';
  /** `SAGEMAKER_TRITON_DEFAULT_MODEL_NAME`: the model behind `/invocations`. */
  readonly defaultModelName: string;
  readonly inferenceType: InferenceType;
}

const INFERENCE_TYPES: readonly string[] = ['infer', 'generate', 'generate_stream'];

/** Reads the settings; an unknown inference type is one of `infer`, since `sagemakerServe` has refused it before. */
export function sagemakerSettings(environment: Environment): SagemakerSettings {
  const inferenceType = environment['SAGEMAKER_TRITON_INFERENCE_TYPE'];
  return {
    pingMode: environment['SAGEMAKER_TRITON_PING_MODE'] === 'live' ? 'live' : 'ready',
    defaultModelName:
      environment['SAGEMAKER_TRITON_DEFAULT_MODEL_NAME'] ?? 'unspecified_SAGEMAKER_TRITON_DEFAULT_MODEL_NAME',
    inferenceType: isInferenceType(inferenceType) ? inferenceType : 'infer',
  };
}

export function isInferenceType(text: string | undefined): text is InferenceType {
  return text !== undefined && INFERENCE_TYPES.includes(text);
}
