import { elementByteSize } from './element-type.ts';
import type { ModelInfo, ValueInfo } from './model-info.ts';
import type { RunInput } from './tensor.ts';

/** A dimension of an output: a number, or the dimension of an input that has the same symbolic name. */
type PlannedDim = number | { readonly input: number; readonly axis: number };

/** Above this an output is left to ONNX Runtime: a model that declares nonsense must not make us allocate it. */
const MAX_PREALLOCATED_BYTES = 2 ** 30;

/**
 * Tells the shape of an output before the run where the model says enough, so that ONNX Runtime writes straight into memory we own.
 * Dimensions without a name, and names no input has, are known only afterwards.
 */
export class OutputPlan {
  readonly #dims: readonly PlannedDim[] | undefined;
  readonly #byteSize: number;
  /** Set once ONNX Runtime found the planned shape wrong: a model whose declared shapes lie. */
  #refuted = false;

  constructor(output: ValueInfo, model: ModelInfo) {
    this.#byteSize = output.dataType === undefined ? 0 : elementByteSize(output.dataType);
    this.#dims = this.#byteSize === 0 ? undefined : planDims(output, model);
  }

  /** The output's shape for these inputs (indexed like `inputsByIndex`), undefined when it is not known. */
  shape(inputsByIndex: readonly (RunInput | undefined)[]): number[] | undefined {
    if (this.#dims === undefined || this.#refuted) return undefined;
    const shape: number[] = [];
    let bytes = this.#byteSize;
    for (const planned of this.#dims) {
      const dim = typeof planned === 'number' ? planned : inputsByIndex[planned.input]?.shape[planned.axis];
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
    const source = dim >= 0 ? dim : findSymbol(output.symbolicDims[axis] ?? '', model.inputs);
    if (source === undefined) return undefined;
    planned.push(source);
  }
  return planned;
}

function findSymbol(symbol: string, inputs: readonly ValueInfo[]): PlannedDim | undefined {
  if (symbol === '') return undefined;
  for (const [input, info] of inputs.entries()) {
    const axis = info.symbolicDims.indexOf(symbol);
    if (axis >= 0) return { input, axis };
  }
  return undefined;
}
