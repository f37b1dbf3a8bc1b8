import { isAbsolute, normalize, resolve } from 'node:path';
import { cString, type JsonValue, jsonMember, jsonString, StatusError } from '@nereid/protocol';

/** A request to load a model of a multi-model endpoint. */
export interface LoadRequest {
  /** What SageMaker calls the model: a hash of its archive's name. */
  readonly modelName: string;
  /** Directory the archive was unpacked to, as given. */
  readonly url: string;
}

/** Throws StatusError INTERNAL for members that are no strings. */
export function readLoadRequest(document: JsonValue | undefined): LoadRequest {
  const name = jsonMember(document, 'model_name');
  const url = jsonMember(document, 'url');
  return {
    modelName: name === undefined ? '' : cString(jsonString(name)),
    url: url === undefined ? '' : cString(jsonString(url)),
  };
}

/** Directories that hold devices and the system's state, not models. */
const FORBIDDEN = ['/dev/', '/proc/', '/sys/'] as const;

/** The directory a url stands for; undefined for one that must not be looked at. */
export function modelDirectory(url: string): string | undefined {
  const directory = isAbsolute(url) ? normalize(url) : resolve(url);
  return FORBIDDEN.some((prefix) => directory.startsWith(prefix)) ? undefined : directory;
}

const NAME = '[0-9A-Za-z._]+';

/** Checks that `directory` is `<models root>/<hash>/model[/<subdirectory>]`. Throws StatusError INVALID_ARG with Triton's text. */
export function checkModelDirectory(url: string, directory: string, modelsRoot: string): void {
  const below = directory.startsWith(`${modelsRoot}/`) ? directory.slice(modelsRoot.length + 1) : '';
  const match = new RegExp(`^(${NAME})/model(?:/?${NAME})?/?$`).exec(below);
  if (match !== null && match[1] !== '.' && match[1] !== '..') return;
  throw new StatusError(
    'INVALID_ARG',
    `Invalid "url" '${url}': expected a path of the form ${modelsRoot}/<hash>/model[/<subdir>]`,
  );
}
