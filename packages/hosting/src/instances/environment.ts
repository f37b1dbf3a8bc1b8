import { join } from 'node:path';
import type { ContainerSpec } from './instance-provider.ts';

/** Of the host's own environment, an instance sees what a program needs to run; credentials stay out. */
const INHERITED = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  // Where model servers keep what they need not make twice: translated models, compiled code.
  'XDG_CACHE_HOME',
  'NEREID_CACHE_DIR',
  'NODE_COMPILE_CACHE',
];

/**
 * Variables that make a program load code or run another: in a container of its own they are the user's business, here they would hand the host's
 * machine to whoever may create a model.
 */
const REFUSED =
  /^(?:LD_|DYLD_|NODE_|npm_|GCONV_|MALLOC_|PYTHON|PERL|RUBY|BASH_|UV_|PATH$|HOME$|ENV$|IFS$|SHELL$|TMPDIR$|AWS_)/i;

export function isRefusedVariable(name: string): boolean {
  return REFUSED.test(name);
}

export interface ContainerEnvironmentOptions {
  readonly container: ContainerSpec;
  readonly port: number;
  readonly region: string;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  readonly cpus: number;
}

/**
 * The environment of one container: SageMaker's platform variables over the model's own over what is inherited. Two variables stand for what a real
 * container needs none for: `SAGEMAKER_BASE_DIR` is its `/opt/ml`, `SAGEMAKER_BIND_TO_ADDRESS` the only address it may listen on.
 */
export function containerEnvironment(options: ContainerEnvironmentOptions): Record<string, string> {
  const { container, port, region, hostEnvironment, cpus } = options;
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = hostEnvironment[name];
    if (value !== undefined) environment[name] = value;
  }
  for (const [name, value] of Object.entries(container.environment)) {
    if (!isRefusedVariable(name)) environment[name] = value;
  }
  return {
    ...environment,
    AWS_REGION: region,
    SAGEMAKER_REGION: environment['SAGEMAKER_REGION'] ?? region,
    SAGEMAKER_BIND_TO_PORT: String(port),
    SAGEMAKER_BIND_TO_ADDRESS: '127.0.0.1',
    SAGEMAKER_SAFE_PORT_RANGE: `${port}-${port}`,
    SAGEMAKER_BASE_DIR: container.baseDirectory,
    SM_MODEL_DIR: join(container.baseDirectory, 'model'),
    SM_NUM_CPUS: String(cpus),
    ...(container.multiModel && { SAGEMAKER_MULTI_MODEL: 'true' }),
  };
}

/** Puts the port, the folders and the core count where a launch command asks for them by `{port}`, `{model_dir}`, `{base_dir}`, `{cpus}`. */
export function fillCommand(command: readonly string[], options: ContainerEnvironmentOptions): string[] {
  const { container, port, cpus } = options;
  const values: Readonly<Record<string, string>> = {
    port: String(port),
    model_dir: join(container.baseDirectory, 'model'),
    base_dir: container.baseDirectory,
    cpus: String(cpus),
  };
  return command.map((part) =>
    part.replace(/\{(port|model_dir|base_dir|cpus)\}/g, (text, name: string) => values[name] ?? text),
  );
}
