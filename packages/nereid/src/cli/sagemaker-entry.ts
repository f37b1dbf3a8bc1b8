import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { type ModelFiles, type SagemakerServe, sagemakerServeFlags } from '@nereid/server';

type Environment = Readonly<Record<string, string | undefined>>;

const REPOSITORY_FLAG = /^--model-(repository|store)(=|$)/;
/** Variables that SageMaker, or something that stands in for it, gives a container of Triton. */
const SAGEMAKER_VARIABLE = /^SAGEMAKER_(TRITON_|MULTI_MODEL$|BIND_TO_PORT$|SAFE_PORT_RANGE$)/;

/** What the container's environment means for `args`; undefined when this is no such container, or the flags say what to serve. */
export function sagemakerEntry(args: readonly string[], environment: Environment): SagemakerServe | undefined {
  if (args.some((argument) => REPOSITORY_FLAG.test(argument) || argument === '--help' || argument === '-h'))
    return undefined;
  if (!Object.keys(environment).some((name) => SAGEMAKER_VARIABLE.test(name))) return undefined;
  const entry = sagemakerServeFlags(environment, args, MODEL_FILES, sagemakerRoot(environment));
  if (environment['SAGEMAKER_MULTI_MODEL'] === 'true') makeEmptyRepository(entry.flags);
  return entry;
}

/** What a container calls /opt/ml. Outside of one, SAGEMAKER_BASE_DIR says where that is. */
export function sagemakerRoot(environment: Environment): string {
  return environment['SAGEMAKER_BASE_DIR'] || '/opt/ml';
}

/** A multi-model server starts with a repository that is there and stays empty. */
function makeEmptyRepository(flags: readonly string[]): void {
  const prefix = '--model-repository=';
  const path = flags.find((flag) => flag.startsWith(prefix))?.slice(prefix.length);
  if (path !== undefined) mkdirSync(path, { recursive: true });
}

const MODEL_FILES: ModelFiles = {
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
  isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  directories(path) {
    if (!this.isDirectory(path)) return [];
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  },
};
