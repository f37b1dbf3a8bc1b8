import { elementByteSize } from './element-type.ts';
import type { ModelInfo, ValueInfo } from './model-info.ts';
import type { RunInput } from './tensor.ts';

/** A dimension of an output: a number, the dimension of an input that has the same symbolic name, or the batch dimension. */
type PlannedDim = number | 'batch' | { readonly input: number; readonly axis: number };

/** Above this an output is left to ONNX Runtime: a model that declares nonsense must not make us allocate it. */
const MAX_PREALLOCATED_BYTES = 2 ** 30;

/**
 * Tells the shape of an output before the run where the model says enough, so that ONNX Runtime writes straight into memory we own.
 *
 * Open dimensions are known by their symbolic name. A nameless first one is taken for the batch if all inputs have one and agree. ONNX
 * Runtime checks the shape before it writes: a plan that is wrong fails the run, is given up (`refute`), and the run is repeated.
 */
export class OutputPlan {
  readonly #dims: readonly PlannedDim[] | undefined;
  readonly #byteSize: number;
  #refuted = false;

  constructor(output: ValueInfo, model: ModelInfo) {
    this.#byteSize = output.dataType === undefined ? 0 : elementByteSize(output.dataType);
    this.#dims = this.#byteSize === 0 ? undefined : planDims(output, model);
  }

  /** The output's shape for these inputs (indexed like `Session.inputs`), undefined when it is not known. */
  shape(inputs: readonly (RunInput | undefined)[]): number[] | undefined {
    if (this.#dims === undefined || this.#refuted) return undefined;
    const shape: number[] = [];
    let bytes = this.#byteSize;
    for (const planned of this.#dims) {
      const dim = typeof planned === 'number' ? planned : resolve(planned, inputs);
      if (dim === undefined) return undefined;
      shape.push(dim);
      bytes *= dim;
    }
    return bytes <= MAX_PREALLOCATED_BYTES ? shape : undefined;
  }

  refute(): void {
    this.#refuted = true;
  }
}

function planDims(output: ValueInfo, model: ModelInfo): PlannedDim[] | undefined {
  if (output.kind !== 'tensor') return undefined;
  const planned: PlannedDim[] = [];
  for (const [axis, dim] of output.dims.entries()) {
    const source = dim >= 0 ? dim : findSource(output.symbolicDims[axis] ?? '', axis, model.inputs);
    if (source === undefined) return undefined;
    planned.push(source);
  }
  return planned;
}

function findSource(symbol: string, axis: number, inputs: readonly ValueInfo[]): PlannedDim | undefined {
  if (symbol === '')
    return axis === 0 && inputs.length > 0 && inputs.every(({ dims }) => dims[0] === -1) ? 'batch' : undefined;
  for (const [input, info] of inputs.entries()) {
    const position = info.symbolicDims.indexOf(symbol);
    if (position >= 0) return { input, axis: position };
  }
  return undefined;
}

function resolve(planned: Exclude<PlannedDim, number>, inputs: readonly (RunInput | undefined)[]): number | undefined {
  if (planned !== 'batch') return inputs[planned.input]?.shape[planned.axis];
  let batch: number | undefined;
  for (const input of inputs) {
    if (input === undefined) continue;
    if (batch !== undefined && input.shape[0] !== batch) return undefined;
    batch = input.shape[0];
  }
  return batch;
}
