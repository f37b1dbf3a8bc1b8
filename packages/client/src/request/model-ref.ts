import type { ModelRef } from '../api/index.ts';
import { invalidArgument } from '../errors/index.ts';

/** Name and version ('' for none) of a model. Throws InferenceServerError INVALID_ARG for a name no server can have. */
export function modelNameAndVersion(model: ModelRef): { readonly name: string; readonly version: string } {
  const { name, version = '' } = typeof model === 'string' ? { name: model } : model;
  if (typeof name !== 'string' || name === '') throw invalidArgument('a model name must not be empty');
  const text = String(version);
  if (text !== '' && !/^\d+$/.test(text)) throw invalidArgument(`version '${text}' of model '${name}' is no number`);
  return { name, version: text };
}
