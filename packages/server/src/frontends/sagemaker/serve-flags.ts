import { join } from 'node:path';
import { type Environment, isInferenceType } from './environment.ts';

/** What the entry script looks at in the file system. */
export interface ModelFiles {
  isFile(path: string): boolean;
  isDirectory(path: string): boolean;
  /** Names of the directories in `path`; empty when there is no such directory. */
  directories(path: string): readonly string[];
}

/** How the server is to be started in a SageMaker container. */
export interface SagemakerServe {
  readonly flags: readonly string[];
  /** Variables the server's environment needs beside those there are. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the script prints before it starts the server. */
  readonly messages: readonly string[];
}

/** The container cannot start. `message` is what the script prints. */
export class SagemakerServeError extends Error {
  override readonly name = 'SagemakerServeError';
}

/** Where SageMaker puts things into a container. */
const DEFAULT_ROOT = '/opt/ml';
/** Repository of a multi-model server while nothing is loaded. It stays empty: each model brings a repository of its own. */
const MULTI_MODEL_REPOSITORY = '/tmp/sagemaker';

/** Variable -> flag that takes its value as it is. */
const PLAIN_FLAGS: readonly (readonly [string, string])[] = [
  ['SAGEMAKER_BIND_TO_PORT', '--sagemaker-port'],
  ['SAGEMAKER_SAFE_PORT_RANGE', '--sagemaker-safe-port-range'],
  ['SAGEMAKER_TRITON_METRICS_PORT', '--metrics-port'],
  ['SAGEMAKER_TRITON_GRPC_PORT', '--grpc-port'],
  ['SAGEMAKER_TRITON_BUFFER_MANAGER_THREAD_COUNT', '--buffer-manager-thread-count'],
  ['SAGEMAKER_TRITON_THREAD_COUNT', '--sagemaker-thread-count'],
  ['SAGEMAKER_TRITON_LOG_INFO', '--log-info'],
  ['SAGEMAKER_TRITON_LOG_WARNING', '--log-warning'],
  ['SAGEMAKER_TRITON_LOG_ERROR', '--log-error'],
];

/** Variable -> flag with the value it has when the variable is not set. */
const DEFAULTED_FLAGS: readonly (readonly [string, string, string])[] = [
  ['SAGEMAKER_TRITON_DISABLE_MODEL_NAMESPACING', '--model-namespacing', 'true'],
  ['SAGEMAKER_TRITON_ALLOW_GRPC', '--allow-grpc', 'false'],
  ['SAGEMAKER_TRITON_ALLOW_METRICS', '--allow-metrics', 'false'],
  ['SAGEMAKER_TRITON_LOG_VERBOSE', '--log-verbose', 'true'],
  ['SAGEMAKER_TRITON_SHM_DEFAULT_BYTE_SIZE', '--backend-config=python,shm-default-byte-size', '16777216'],
  ['SAGEMAKER_TRITON_SHM_GROWTH_BYTE_SIZE', '--backend-config=python,shm-growth-byte-size', '1048576'],
];

/**
 * What the `serve` script of Triton's SageMaker container makes of the environment (docker/sagemaker/serve), `args` added at the end. `root`
 * is `/opt/ml` in a container. Throws SagemakerServeError where the script exits with 1.
 */
export function sagemakerServeFlags(
  environment: Environment,
  args: readonly string[],
  files: ModelFiles,
  root: string = DEFAULT_ROOT,
): SagemakerServe {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const multiModel = given('SAGEMAKER_MULTI_MODEL') === 'true';
  const repository = multiModel ? MULTI_MODEL_REPOSITORY : `${root}/model/`;
  const pingMode = given('SAGEMAKER_TRITON_OVERRIDE_PING_MODE') ?? (multiModel ? 'live' : 'ready');

  const flags = ['--allow-sagemaker=true', '--allow-http=false', '--model-control-mode=explicit'];
  flags.push(`--model-repository=${repository}`);
  for (const [variable, flag, standard] of DEFAULTED_FLAGS) flags.push(`${flag}=${given(variable) ?? standard}`);
  for (const [variable, flag] of PLAIN_FLAGS) {
    const value = given(variable);
    if (value !== undefined) flags.push(`${flag}=${value}`);
  }
  const tensorflow = given('SAGEMAKER_TRITON_TENSORFLOW_VERSION');
  if (tensorflow !== undefined) flags.push(`--backend-config=tensorflow,version=${tensorflow}`);
  flags.push(
    ...(given('SAGEMAKER_TRITON_ADDITIONAL_ARGS')
      ?.split(/\s+/)
      .filter((word) => word !== '') ?? []),
  );
  checkEnvironment(environment, files, repository, multiModel);

  const result = { SAGEMAKER_TRITON_PING_MODE: given('SAGEMAKER_TRITON_PING_MODE') ?? pingMode };
  if (multiModel) {
    const message = `Triton is running in SageMaker MME mode. Using Triton ping mode: "${pingMode}"`;
    return { flags: [...flags, ...args], environment: result, messages: [message] };
  }
  const { model, messages } = defaultModel(given('SAGEMAKER_TRITON_DEFAULT_MODEL_NAME'), files, repository);
  return {
    flags: [...flags, `--load-model=${model}`, ...args],
    environment: { ...result, SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: model },
    messages,
  };
}

function checkEnvironment(environment: Environment, files: ModelFiles, repository: string, multiModel: boolean): void {
  if (!multiModel && files.isFile(join(repository, 'config.pbtxt'))) {
    throw new SagemakerServeError(
      'ERROR: Incorrect directory structure.\n       Model directory needs to contain the top level folder',
    );
  }
  const inferenceType = environment['SAGEMAKER_TRITON_INFERENCE_TYPE'] || undefined;
  if (inferenceType !== undefined && !isInferenceType(inferenceType)) {
    throw new SagemakerServeError(
      `ERROR: Invalid SAGEMAKER_TRITON_INFERENCE_TYPE '${inferenceType}'\n       Must be one of: infer, generate, generate_stream`,
    );
  }
}

function defaultModel(
  given: string | undefined,
  files: ModelFiles,
  repository: string,
): { readonly model: string; readonly messages: readonly string[] } {
  if (given !== undefined) {
    if (files.isDirectory(join(repository, given))) return { model: given, messages: [] };
    throw new SagemakerServeError(
      `ERROR: Directory with provided SAGEMAKER_TRITON_DEFAULT_MODEL_NAME ${given} does not exist`,
    );
  }
  const found = files.directories(repository);
  const [only] = found;
  if (only === undefined) throw new SagemakerServeError('ERROR: No model found in model repository');
  if (found.length > 1) {
    throw new SagemakerServeError(
      `ERROR: More than 1 model directory found in model repository.\n       Either provide a single directory or set SAGEMAKER_TRITON_DEFAULT_MODEL_NAME to run the ensemble backend.\n       Directories found in model repository: ${found.join(' ')}`,
    );
  }
  return {
    model: only,
    messages: [
      'WARNING: No SAGEMAKER_TRITON_DEFAULT_MODEL_NAME provided.',
      `         Starting with the only existing model directory ${only}`,
    ],
  };
}
