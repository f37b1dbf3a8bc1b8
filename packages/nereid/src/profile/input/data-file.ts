import { readFileSync } from 'node:fs';
import type { ModelInput } from './model-inputs.ts';
import { bytesElements, encodeValues } from './tensor-bytes.ts';

/** One item of a batch, by input. */
export type Item = ReadonlyMap<string, Uint8Array>;

interface Contents {
  readonly content?: unknown;
  readonly shape?: readonly number[];
  readonly b64?: string;
}

/**
 * Reads input data in perf_analyzer's format: `{"data": [{"INPUT": [1, 2, …]}, …]}`, one entry an item; instead of a list also
 * `{"content": […], "shape": […]}` or `{"b64": "…"}`. Shapes have to be the model's.
 * @throws Error naming the entry that is wrong
 */
export function readDataFile(path: string, inputs: readonly ModelInput[]): Item[] {
  const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data?: unknown };
  if (!Array.isArray(data) || data.length === 0) throw new Error(`${path} has no list 'data'`);
  // A list of lists is perf_analyzer's form for sequences; the steps are items like others.
  return data.flat().map((entry, index) => {
    const item = new Map<string, Uint8Array>();
    for (const input of inputs) {
      const value = (entry as Record<string, unknown>)[input.name];
      const problem = `${path}: entry ${index}, input '${input.name}'`;
      if (value === undefined) throw new Error(`${problem} is missing`);
      try {
        item.set(input.name, readTensor(value, input));
      } catch (error) {
        throw new Error(`${problem}: ${(error as Error).message}`);
      }
    }
    return item;
  });
}

function readTensor(value: unknown, { datatype, shape }: ModelInput): Uint8Array {
  const contents: Contents = Array.isArray(value) ? { content: value } : (value as Contents);
  if (contents.shape !== undefined && contents.shape.join() !== shape.join()) {
    throw new Error(`shape [${contents.shape.join(',')}] is not the model's [${shape.join(',')}]`);
  }
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (typeof contents.b64 === 'string') {
    const data = Buffer.from(contents.b64, 'base64');
    return datatype === 'BYTES' ? bytesElements([data]) : new Uint8Array(data);
  }
  if (!Array.isArray(contents.content)) throw new Error('neither a list nor "content" nor "b64"');
  const values = contents.content.flat(Number.POSITIVE_INFINITY);
  if (values.length !== count) throw new Error(`${values.length} values instead of ${count}`);
  return encodeValues(datatype, values);
}
