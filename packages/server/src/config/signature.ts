import { StatusError } from '@nereid/protocol';
import type { ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import type { ModelSignature, TensorSignature } from '../inference/index.ts';
import { toProtocolDataType } from './data-type.ts';

/**
 * The part of a complete, validated configuration that requests are checked against.
 * @throws StatusError INVALID_ARG for a dimension that no tensor can have
 */
export function modelSignature(config: ModelConfig): ModelSignature {
  const inputs = config.input.map((input) => ({
    ...tensorSignature(input),
    optional: input.optional,
    allowRaggedBatch: input.allowRaggedBatch,
  }));
  const outputs = config.output.map(tensorSignature);
  return {
    maxBatchSize: config.maxBatchSize,
    inputs,
    outputs,
    inputIndex: indexByName(inputs),
    outputIndex: indexByName(outputs),
    decoupled: config.modelTransactionPolicy?.decoupled ?? false,
  };
}

function tensorSignature(tensor: ModelInput | ModelOutput): TensorSignature {
  const dataType = toProtocolDataType(tensor.dataType);
  if (dataType === undefined) throw new StatusError('INVALID_ARG', `tensor '${tensor.name}' must specify 'data_type'`);
  return {
    name: tensor.name,
    dataType,
    dims: toNumbers(tensor.dims, tensor.name),
    reshape: reshapeOf(tensor),
    optional: false,
    allowRaggedBatch: false,
  };
}

function reshapeOf(tensor: ModelInput | ModelOutput): number[] | undefined {
  const shape = tensor.reshape?.shape;
  if (!shape || (shape.length === tensor.dims.length && shape.every((dim, index) => dim === tensor.dims[index]))) {
    return undefined;
  }
  return toNumbers(shape, tensor.name);
}

function toNumbers(dims: readonly bigint[], name: string): number[] {
  return dims.map((dim) => {
    const number = Number(dim);
    if (Number.isSafeInteger(number)) return number;
    throw new StatusError(
      'INVALID_ARG',
      `element count for tensor '${name}' exceeds maximum size of ${Number.MAX_SAFE_INTEGER}`,
    );
  });
}

/** The first of two tensors with one name wins, as in Triton's maps. */
function indexByName(tensors: readonly TensorSignature[]): ReadonlyMap<string, number> {
  const index = new Map<string, number>();
  for (const [position, tensor] of tensors.entries()) {
    if (!index.has(tensor.name)) index.set(tensor.name, position);
  }
  return index;
}
