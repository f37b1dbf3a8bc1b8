import type { ServerApi } from '../server-api.ts';

/** An input of a model as requests carry it. */
export interface ModelInput {
  readonly name: string;
  readonly datatype: string;
  /** Without the batch dimension; every size is known. */
  readonly shape: readonly number[];
}

/** What a load has to know of its model. */
export interface ModelDescription {
  readonly inputs: readonly ModelInput[];
  /** 0: no batch dimension. */
  readonly maxBatchSize: number;
  readonly isSequence: boolean;
  readonly isEnsemble: boolean;
}

interface MetadataJson {
  readonly inputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];
}

interface ConfigJson {
  readonly max_batch_size?: number;
  readonly sequence_batching?: unknown;
  readonly ensemble_scheduling?: unknown;
  readonly model_transaction_policy?: { readonly decoupled?: boolean };
  readonly input?: readonly { readonly name: string; readonly optional?: boolean }[];
}

/**
 * Reads metadata and configuration. `shapes` (without batch dimension) are needed for inputs with variable dimensions; optional inputs are left out
 * unless they have one.
 * @throws Error for a decoupled model and for a shape that is missing or does not fit
 */
export async function describeModel(
  api: ServerApi,
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<ModelDescription> {
  const metadata = (await api.get(api.modelPath)) as MetadataJson;
  const config = (await api.get(`${api.modelPath}/config`)) as ConfigJson;
  if (config.model_transaction_policy?.decoupled === true) {
    throw new Error(`model '${api.model}' is decoupled, and HTTP has no answer for its requests`);
  }
  for (const name of shapes.keys()) {
    if (!metadata.inputs.some((input) => input.name === name)) {
      throw new Error(
        `--shape names '${name}', but the model's inputs are ${metadata.inputs.map((input) => `'${input.name}'`).join(', ')}`,
      );
    }
  }
  const maxBatchSize = config.max_batch_size ?? 0;
  const optional = new Set(config.input?.filter((input) => input.optional === true).map(({ name }) => name));
  const inputs = metadata.inputs
    .filter(({ name }) => !optional.has(name) || shapes.has(name))
    .map(({ name, datatype, shape }) => {
      const dims = maxBatchSize > 0 ? shape.slice(1) : shape;
      return { name, datatype, shape: resolveShape(name, dims, shapes.get(name)) };
    });
  return {
    inputs,
    maxBatchSize,
    isSequence: config.sequence_batching !== undefined,
    isEnsemble: config.ensemble_scheduling !== undefined,
  };
}

function resolveShape(name: string, dims: readonly number[], given: readonly number[] | undefined): readonly number[] {
  if (given === undefined) {
    if (dims.includes(-1))
      throw new Error(`input '${name}' has the shape [${dims.join(',')}]: say which with --shape ${name}:…`);
    return dims;
  }
  const fits = given.length === dims.length && dims.every((dim, axis) => dim === -1 || dim === given[axis]);
  if (!fits) throw new Error(`--shape ${name}:${given.join(',')} does not fit the model's [${dims.join(',')}]`);
  return given;
}
