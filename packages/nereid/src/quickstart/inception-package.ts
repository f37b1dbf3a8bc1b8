import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLiteral } from './inception-literal.ts';

/** The package is not what it should be; the message names the file. */
export class ModelPackageError extends Error {
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.name = 'ModelPackageError';
  }
}

/** A weight as the package lists it: `uint8` values v that stand for v * scale + min. */
export interface QuantizedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly scale: number;
  readonly min: number;
}

/** A layer of a Keras model; `inputs` are the names of the layers it takes its values from. */
export interface KerasLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
}

/** What a Keras model in TensorFlow.js's layers format consists of. */
export interface KerasModel {
  readonly layers: readonly KerasLayer[];
  readonly outputLayer: string;
  readonly weights: readonly QuantizedWeight[];
  /** Files with the weights' values, one after the other. */
  readonly shards: readonly string[];
}

/** How the bundler wraps a module: one entry, whose body sets `exports`. */
const MODULE_START = /\{1:\[function\([\w,]*\)\{\w+\.exports=/;

/** Reads `model.min.js`, a module whose export is the model's description. It is parsed, never run. Throws ModelPackageError. */
export async function readKerasModel(directory: string): Promise<KerasModel> {
  const file = join(directory, 'model.min.js');
  const description = await readModule(file);
  try {
    return modelOf(description);
  } catch (error) {
    throw new ModelPackageError(file, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The bytes of all shards in order, each a module whose export is base64 text. Throws ModelPackageError. */
export async function readShards(
  directory: string,
  shards: readonly string[],
  onShard: (done: number) => void,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const [index, shard] of shards.entries()) {
    if (!/^[\w-]+$/.test(shard)) throw new ModelPackageError(directory, `shard name ${JSON.stringify(shard)}`);
    const file = join(directory, `${shard}.min.js`);
    const text = await readModule(file);
    if (typeof text !== 'string') throw new ModelPackageError(file, 'its export is not text');
    parts.push(Buffer.from(text, 'base64'));
    onShard(index + 1);
  }
  return Buffer.concat(parts);
}

async function readModule(file: string): Promise<unknown> {
  const text = await readFile(file, 'latin1');
  const start = MODULE_START.exec(text);
  if (start === null) throw new ModelPackageError(file, 'not a bundled module');
  const at = start.index + start[0].length;
  // A shard is one string of 5 MB: found by its quotes, which base64 cannot contain.
  if (text[at] === '"') return text.slice(at + 1, text.indexOf('"', at + 1));
  try {
    return parseLiteral(text, at);
  } catch (error) {
    throw new ModelPackageError(file, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function modelOf(description: unknown): KerasModel {
  const model = member(member(description, 'modelTopology'), 'model_config');
  const config = member(model, 'config');
  const [manifest] = list(member(description, 'weightsManifest'));
  const [output] = list(member(config, 'output_layers')).map((entry) => text(list(entry)[0]));
  if (output === undefined) throw new Error('the model has no output');
  return {
    layers: list(member(config, 'layers')).map(layerOf),
    outputLayer: output,
    weights: list(member(manifest, 'weights')).map(weightOf),
    shards: list(member(manifest, 'paths')).map(text),
  };
}

function layerOf(layer: unknown): KerasLayer {
  const [node = []] = list(member(layer, 'inbound_nodes')).map(list);
  return {
    name: text(member(layer, 'name')),
    className: text(member(layer, 'class_name')),
    config: member(layer, 'config') as Record<string, unknown>,
    inputs: node.map((entry) => text(list(entry)[0])),
  };
}

function weightOf(weight: unknown): QuantizedWeight {
  const name = text(member(weight, 'name'));
  const quantization = member(weight, 'quantization');
  if (member(quantization, 'dtype') !== 'uint8') throw new Error(`weight '${name}' is not quantised to uint8`);
  return {
    name,
    shape: list(member(weight, 'shape')).map(number),
    scale: number(member(quantization, 'scale')),
    min: number(member(quantization, 'min')),
  };
}

/** A member of an object of the description; Error when there is none. */
export function member(value: unknown, name: string): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, name))
    return (value as Record<string, unknown>)[name];
  throw new Error(`'${name}' is missing`);
}

export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${JSON.stringify(value)} is not a list`);
}

export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`${JSON.stringify(value)} is not text`);
}

export function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new Error(`${JSON.stringify(value)} is not a number`);
}
