import type { DataType, ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import { configDataTypeName } from './data-type.ts';
import { dimsMatch, printDims } from './dims.ts';
import { invalid, type Problems } from './problem.ts';

/** What is known of an ensemble tensor, and from which model: the first that names it. */
export interface EnsembleTensor {
  readonly name: string;
  /** The model as messages print it (`namespace::name` with namespacing). */
  readonly model: string;
  readonly dataType: DataType;
  readonly dims: readonly bigint[];
  /** `dims` with -1 in front for a model with a batch dimension. */
  readonly fullDims: readonly bigint[];
}

/** A tensor as a composing model's configuration describes it. */
export function modelTensor(
  name: string,
  model: string,
  batching: boolean,
  tensor: ModelInput | ModelOutput,
  dims: readonly bigint[] = tensor.dims,
): EnsembleTensor {
  return { name, model, dataType: tensor.dataType, dims, fullDims: batching ? [-1n, ...dims] : dims };
}

/** As `modelTensor` for an input or output of the ensemble itself, whose reshape counts. */
export function ownTensor(model: string, batching: boolean, tensor: ModelInput | ModelOutput): EnsembleTensor {
  return modelTensor(tensor.name, model, batching, tensor, tensor.reshape?.shape ?? tensor.dims);
}

/**
 * Two models' views of one tensor. A shape fits with or without the batch dimension, so that a model without one can follow a model with
 * one; what a -1 leaves open is checked at run time.
 */
export function* consistencyProblems(known: EnsembleTensor, other: EnsembleTensor, ensemble: string): Problems {
  const subject = `in ensemble ${ensemble}, ensemble tensor ${known.name}: `;
  if (known.dataType !== other.dataType) {
    const first = `${configDataTypeName(known.dataType)} is inferred from model ${known.model}`;
    const second = `${configDataTypeName(other.dataType)} is inferred from model ${other.model}`;
    yield invalid(`${subject}inconsistent data type: ${first} while ${second}`);
  } else if (!dimsMatch(known.dims, other.dims) && !dimsMatch(known.fullDims, other.fullDims)) {
    const first = `${printDims(known.fullDims)} is inferred from model ${known.model}`;
    const second = `${printDims(other.fullDims)} is inferred from model ${other.model}`;
    yield invalid(`${subject}inconsistent shape: ${first} while ${second}`);
  }
}
