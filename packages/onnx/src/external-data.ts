import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { rawByteLength } from './element-type.ts';
import type { Attribute, ConstantTensor, Graph, Model, SparseConstantTensor } from './model.ts';
import { OnnxError } from './onnx-error.ts';
import { elementCount } from './shape.ts';

/** Tensors of a model that are stored in other files. */
export function externalTensors(model: Model): ConstantTensor[] {
  const found: ConstantTensor[] = [];
  const tensor = (candidate: ConstantTensor): void => {
    if (candidate.content.kind === 'external') found.push(candidate);
  };
  const sparse = (candidate: SparseConstantTensor): void => {
    tensor(candidate.values);
    tensor(candidate.indices);
  };
  const attribute = (value: Attribute): void => {
    if (value.kind === 'tensor') tensor(value.value);
    else if (value.kind === 'tensors') value.value.forEach(tensor);
    else if (value.kind === 'sparse-tensor') sparse(value.value);
    else if (value.kind === 'sparse-tensors') value.value.forEach(sparse);
    else if (value.kind === 'graph') graph(value.value);
    else if (value.kind === 'graphs') value.value.forEach(graph);
  };
  const graph = (value: Graph): void => {
    value.initializers.forEach(tensor);
    value.sparseInitializers.forEach(sparse);
    for (const node of value.nodes) node.attributes.forEach(attribute);
  };
  graph(model.graph);
  for (const definition of model.functions) {
    definition.attributeDefaults.forEach(attribute);
    for (const node of definition.nodes) node.attributes.forEach(attribute);
  }
  return found;
}

/**
 * Makes sure that every external file of a model is one of its own: a regular file in the model's directory (or below), reached without
 * leaving it, by no hard link from elsewhere, and as long as the tensors say. A model file may come from anybody; without this it can
 * have any file of the machine read as weights. Throws OnnxError `invalid` naming tensor and location.
 */
export async function checkExternalData(model: Model, modelPath: string): Promise<void> {
  const directory = await realpath(dirname(modelPath));
  const sizes = new Map<string, number>();
  for (const tensor of externalTensors(model)) {
    if (tensor.content.kind !== 'external') continue;
    const location = tensor.content.entries.get('location') ?? '';
    let size = sizes.get(location);
    if (size === undefined) {
      size = await externalFileSize(directory, tensor.name, location);
      sizes.set(location, size);
    }
    checkRange(tensor, tensor.content.entries, size);
  }
}

async function externalFileSize(directory: string, tensorName: string, location: string): Promise<number> {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new OnnxError('invalid', `external data of tensor '${tensorName}': location '${location}' ${problem}`, {
      cause,
    });
  };
  if (location === '' || location.includes('\0')) refuse('is not a file name');
  if (isAbsolute(location) || /^[A-Za-z]:|\\/.test(location)) refuse('is not a relative path');
  if (location.split('/').includes('..')) refuse('leaves the directory of the model');
  let resolved: string;
  try {
    resolved = await realpath(join(directory, location));
  } catch (error) {
    return refuse('cannot be read', error);
  }
  const inside = relative(directory, resolved);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    refuse('leaves the directory of the model');
  const [link, facts] = await Promise.all([lstat(resolved), stat(resolved)]);
  if (!link.isFile()) refuse('is not a regular file');
  if (facts.nlink > 1) refuse('is a hard link');
  return facts.size;
}

function checkRange(tensor: ConstantTensor, entries: ReadonlyMap<string, string>, fileSize: number): void {
  const offset = integer(tensor.name, 'offset', entries.get('offset') ?? '0');
  const needed = rawByteLength(tensor.elementType, elementCount(tensor.dims));
  const length = integer(tensor.name, 'length', entries.get('length') ?? String(needed));
  if (tensor.elementType === 'string') {
    throw new OnnxError('invalid', `external data of tensor '${tensor.name}': strings cannot be external`);
  }
  if (length !== needed) {
    throw new OnnxError(
      'invalid',
      `external data of tensor '${tensor.name}': length ${length}, its shape needs ${needed}`,
    );
  }
  if (offset + length > fileSize) {
    throw new OnnxError(
      'invalid',
      `external data of tensor '${tensor.name}': bytes ${offset} to ${offset + length} of a file of ${fileSize}`,
    );
  }
}

function integer(tensorName: string, what: string, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new OnnxError('invalid', `external data of tensor '${tensorName}': ${what} '${text}' is not a size`);
  }
  return value;
}
