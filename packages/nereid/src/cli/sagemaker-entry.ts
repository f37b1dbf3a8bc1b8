import { readdirSync, statSync } from 'node:fs';
import { type ModelFiles, type SagemakerServe, sagemakerServeFlags } from '@nereid/server';

type Environment = Readonly<Record<string, string | undefined>>;

const REPOSITORY_FLAG = /^--model-(repository|store)(=|$)/;
/** Variables that SageMaker, or something that stands in for it, gives a container of Triton. */
const SAGEMAKER_VARIABLE = /^SAGEMAKER_(TRITON_|MULTI_MODEL$|BIND_TO_PORT$|SAFE_PORT_RANGE$)/;

/** What the container's environment means for `args`; undefined when this is no such container, or the flags say what to serve. */
export function sagemakerEntry(args: readonly string[], environment: Environment): SagemakerServe | undefined {
  if (args.some((argument) => REPOSITORY_FLAG.test(argument) || argument === '--help' || argument === '-h'))
    return undefined;
  const found = Object.keys(environment).some((name) => SAGEMAKER_VARIABLE.test(name));
  return found ? sagemakerServeFlags(environment, args, MODEL_FILES) : undefined;
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
