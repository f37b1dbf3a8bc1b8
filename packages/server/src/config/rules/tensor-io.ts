import { type ModelConfig, type ModelInput, ModelInput_Format, type ModelOutput } from '@nereid/protocol/model-config';
import { elementCount, printDims, WILDCARD_DIM } from '../dims.ts';
import { TENSORRT_PLATFORM } from '../platform.ts';
import { invalid, type Problems, within } from '../problem.ts';
import { batchIoProblems } from './batch-io.ts';

const MAX_INT64 = '9223372036854775807';

/** Inputs, outputs and what the server derives from them. Not run on what a backend has yet to complete. */
export function* modelIoProblems(config: ModelConfig): Problems {
  const suffix = ` for ${config.name}`;
  for (const [index, input] of config.input.entries()) {
    yield* within(inputProblems(input, config), ['input', index], suffix);
  }
  for (const [index, output] of config.output.entries()) {
    yield* within(tensorProblems(output, config, 'output'), ['output', index], suffix);
  }
  yield* within(batchIoProblems(config), [], suffix);
}

function* inputProblems(input: ModelInput, config: ModelConfig): Problems {
  yield* shapeProblems(input, config.maxBatchSize, 'model input ');
  const isImage = input.format === ModelInput_Format.NHWC || input.format === ModelInput_Format.NCHW;
  if (isImage && input.dims.length !== 3) yield invalid('model input NHWC/NCHW require 3 dims', 'format');
  yield* tensorrtProblems(input, config, 'input');
}

function* tensorProblems(tensor: ModelOutput, config: ModelConfig, kind: 'input' | 'output'): Problems {
  yield* shapeProblems(tensor, config.maxBatchSize, `model ${kind} `);
  yield* tensorrtProblems(tensor, config, kind);
}

function* tensorrtProblems(tensor: ModelInput | ModelOutput, config: ModelConfig, kind: string): Problems {
  const isTensorrt = config.platform === TENSORRT_PLATFORM;
  if (tensor.isShapeTensor && !isTensorrt) {
    yield invalid('shape tensors are only supported for TensorRT platform', 'is_shape_tensor');
  }
  if (!tensor.isNonLinearFormatIo) return;
  if (!isTensorrt) {
    yield invalid('Non-linear IO format is only supported for the TensorRT platform', 'is_non_linear_format_io');
  } else if (tensor.dims.length !== 3) {
    yield invalid(`Non-linear IO format ${kind} requires 3 dims`, 'is_non_linear_format_io');
  }
}

function* shapeProblems(tensor: ModelInput | ModelOutput, maxBatchSize: number, prefix: string): Problems {
  if (tensor.name === '') {
    yield invalid(`${prefix}must specify 'name'`);
    return;
  }
  const subject = `${prefix}'${tensor.name}' `;
  if (tensor.dataType === 0) yield invalid(`${subject}must specify 'data_type'`);
  if (tensor.dims.length === 0) yield invalid(`${subject}must specify 'dims'`);
  if (tensor.reshape && tensor.reshape.shape.length === 0 && maxBatchSize === 0) {
    const reason = 'for non-batching model as scalar tensors are not supported';
    yield invalid(`${subject}cannot have empty reshape ${reason}`, 'reshape');
  }
  const bad = tensor.dims.findIndex(isBadDim);
  const rule = 'must be integer >= 1, or -1 to indicate a variable-size dimension';
  if (bad >= 0) yield invalid(`${subject}dimension ${rule}`, 'dims', bad);
  if (!tensor.reshape) return;
  const badReshape = tensor.reshape.shape.findIndex(isBadDim);
  if (badReshape >= 0) yield invalid(`${subject}reshape dimensions ${rule}`, 'reshape', 'shape', badReshape);
  if (bad < 0 && badReshape < 0) yield* reshapeProblems(tensor.name, tensor.dims, tensor.reshape.shape, subject);
}

function isBadDim(dim: bigint): boolean {
  return dim < 1n && dim !== WILDCARD_DIM;
}

function* reshapeProblems(name: string, dims: readonly bigint[], shape: readonly bigint[], subject: string): Problems {
  yield* countProblems(dims, `${name} dims`, 'dims');
  yield* countProblems(shape, `${name} reshape`, 'reshape');
  const dimsCount = elementCount(dims);
  const shapeCount = elementCount(shape);
  if (dimsCount === 'overflow' || shapeCount === 'overflow') return;
  // A scalar: dims of one element against no dims at all.
  if (dimsCount !== shapeCount && !(shapeCount === 0n && dimsCount === 1n)) {
    yield invalid(`${subject}has different size for dims and reshape`, 'reshape');
  } else if (dimsCount === 'variable') {
    const from = fixedRuns(dims);
    const to = fixedRuns(shape);
    if (from.length !== to.length) {
      const message = `${subject}has different number of variable-size dimensions for dims and reshape`;
      yield invalid(message, 'reshape');
    } else if (from.some((count, index) => count !== to[index])) {
      yield invalid(`${subject}has different size for dims and reshape`, 'reshape');
    }
  }
}

function* countProblems(dims: readonly bigint[], name: string, field: string): Problems {
  const count = elementCount(dims);
  if (count === 'overflow')
    yield invalid(`element count for tensor '${name}' exceeds maximum size of ${MAX_INT64}`, field);
  if (count === 'invalid') {
    yield invalid(`tensor '${name}' contains an invalid dimension in shape ${printDims(dims)}`, field);
  }
}

/** Element counts of the runs between variable dimensions: [2,4,-1,6] -> [8,6]. */
function fixedRuns(dims: readonly bigint[]): bigint[] {
  const runs = [1n];
  for (const dim of dims) {
    if (dim === WILDCARD_DIM) runs.push(1n);
    else runs[runs.length - 1] = (runs.at(-1) as bigint) * dim;
  }
  return runs;
}
