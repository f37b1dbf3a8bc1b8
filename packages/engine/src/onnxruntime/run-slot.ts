import { addressOf, type OrtApi, type Pointer } from './api.ts';
import { type ElementType, elementByteSize, elementTypeCode } from './element-type.ts';
import { EngineError } from './error.ts';
import { readDims } from './model-info.ts';
import type { SessionCore } from './session-core.ts';
import { fillStringTensor, readStringTensor } from './string-tensor.ts';
import type { EngineTensor, RunInput } from './tensor.ts';

const MAX_RANK = 64;

/** What is passed for a tensor without elements, whose own memory may be NULL. */
const NO_ELEMENTS = 16;

/**
 * A run in flight: the one owner of everything native code may touch between the start of a run and its end. Input and output memory,
 * OrtValues, name arrays and run options stay referenced from here, and a session references its slots until they are free again.
 *
 * Use: `prepare`, then the native call with the addresses, then `collect` (success) and always `clear`. A slot serves one run at a time and
 * is used again for the next.
 */
export class RunSlot {
  readonly inputNames: Pointer;
  readonly inputValues: Pointer;
  readonly outputNames: Pointer;
  readonly outputValues: Pointer;
  inputCount = 0;
  outputCount = 0;
  /** `OrtRunOptions *`; 0 until a run needs it. */
  runOptions: Pointer = 0;

  readonly #api: OrtApi;
  readonly #core: SessionCore;
  readonly #inputNames: BigUint64Array;
  readonly #inputValues: BigUint64Array;
  readonly #outputNames: BigUint64Array;
  readonly #outputValues: BigUint64Array;
  readonly #shape = new BigInt64Array(MAX_RANK);
  readonly #shapeWords = new Uint32Array(this.#shape.buffer);
  readonly #shapeAddress = addressOf(this.#shape);
  readonly #noElements = new Uint8Array(NO_ELEMENTS);
  /** Memory of the inputs, as handed to ONNX Runtime. */
  #inputMemory: Uint8Array[] = [];
  #outputIndices: readonly number[] = [];
  /** Memory of the outputs that ONNX Runtime writes into directly; undefined where it allocates. */
  #outputMemory: (Uint8Array | undefined)[] = [];
  #outputShapes: (readonly number[] | undefined)[] = [];

  constructor(core: SessionCore) {
    this.#core = core;
    this.#api = core.api;
    this.#inputNames = new BigUint64Array(core.inputs.length);
    this.#inputValues = new BigUint64Array(core.inputs.length);
    this.#outputNames = new BigUint64Array(core.outputs.length);
    this.#outputValues = new BigUint64Array(core.outputs.length);
    this.inputNames = addressOf(this.#inputNames);
    this.inputValues = addressOf(this.#inputValues);
    this.outputNames = addressOf(this.#outputNames);
    this.outputValues = addressOf(this.#outputValues);
  }

  /** Makes the OrtValues of a run. Throws EngineError or OnnxRuntimeError; `clear` is due then too. */
  prepare(inputs: readonly RunInput[], outputs: readonly number[]): void {
    if (inputs.length > this.#inputNames.length)
      throw new EngineError(`run has ${inputs.length} inputs, the model ${this.#inputNames.length}`);
    const byIndex: (RunInput | undefined)[] = new Array(this.#inputNames.length).fill(undefined);
    for (const input of inputs) {
      const name = this.#core.inputNames.addresses[input.input];
      if (name === undefined)
        throw new EngineError(`run input ${input.input} does not exist: the model has ${byIndex.length}`);
      if (byIndex[input.input] !== undefined)
        throw new EngineError(`input '${this.#core.inputs[input.input]?.name}' is given twice`);
      byIndex[input.input] = input;
      this.#inputNames[this.inputCount] = name;
      this.#addInput(input);
    }
    this.#outputIndices = outputs;
    for (const output of outputs) this.#addOutput(output, byIndex);
  }

  /** Results of a run that succeeded, in the order the outputs were asked for. Throws OnnxRuntimeError or EngineError. */
  collect(): EngineTensor[] {
    return this.#outputIndices.map((output, position) => {
      const info = this.#core.outputs[output];
      const data = this.#outputMemory[position];
      const shape = this.#outputShapes[position];
      if (data !== undefined && shape !== undefined && info?.dataType !== undefined)
        return { dataType: info.dataType, shape, data };
      return this.#copyOut(Number(this.#outputValues[position]), info?.name ?? '', info?.dataType);
    });
  }

  /** Frees the OrtValues and forgets the memory. Only when no native call uses the slot any more. */
  clear(): void {
    for (let index = 0; index < this.inputCount; index++) this.#releaseValue(this.#inputValues, index);
    for (let index = 0; index < this.outputCount; index++) this.#releaseValue(this.#outputValues, index);
    this.inputCount = 0;
    this.outputCount = 0;
    this.#inputMemory = [];
    this.#outputMemory = [];
    this.#outputShapes = [];
  }

  /** Frees the slot itself. */
  dispose(): void {
    this.clear();
    if (this.runOptions !== 0) this.#api.functions.ReleaseRunOptions(this.runOptions);
    this.runOptions = 0;
  }

  /** True when at least one output was given memory by its planned shape. */
  get hasPlannedOutputs(): boolean {
    return this.#outputMemory.some((memory) => memory !== undefined);
  }

  #addInput(input: RunInput): void {
    const address = this.inputValues + 8 * this.inputCount;
    this.#inputValues[this.inputCount++] = 0n;
    const count = this.#writeShape(input.shape);
    if (input.dataType === 'BYTES') {
      this.#createString(input, count, address);
      return;
    }
    const size = elementByteSize(input.dataType);
    if (count * size !== input.data.byteLength) {
      const name = this.#core.inputs[input.input]?.name;
      throw new EngineError(
        `input '${name}' of shape [${input.shape}] and type ${input.dataType} takes ${count * size} bytes, ${input.data.byteLength} given`,
      );
    }
    // Kernels read elements by their natural alignment; a slice of a request body need not have it.
    const memory = input.data.byteOffset % size === 0 ? input.data : input.data.slice();
    this.#inputMemory.push(memory);
    this.#createTensor(memory, input.shape.length, input.dataType, address);
  }

  #createString(input: RunInput, count: number, address: Pointer): void {
    const f = this.#api.functions;
    const code = elementTypeCode('BYTES');
    this.#api.check(
      f.CreateTensorAsOrtValue(this.#core.allocator, this.#shapeAddress, input.shape.length, code, address),
    );
    fillStringTensor(this.#api, Number(this.#inputValues[this.inputCount - 1]), input.data, count);
  }

  #addOutput(output: number, inputsByIndex: readonly (RunInput | undefined)[]): void {
    const position = this.outputCount;
    const name = this.#core.outputNames.addresses[output];
    if (name === undefined || position >= this.#outputNames.length) {
      throw new EngineError(`run output ${output} does not exist: the model has ${this.#core.outputs.length}`);
    }
    this.#outputNames[position] = name;
    this.#outputValues[position] = 0n;
    this.outputCount++;
    const shape = this.#core.outputPlans[output]?.shape(inputsByIndex);
    const dataType = this.#core.outputs[output]?.dataType;
    this.#outputShapes.push(shape);
    if (shape === undefined || dataType === undefined) {
      this.#outputMemory.push(undefined);
      return;
    }
    const memory = allocate(this.#writeShape(shape) * elementByteSize(dataType));
    this.#outputMemory.push(memory);
    this.#createTensor(memory, shape.length, dataType, this.outputValues + 8 * position);
  }

  #createTensor(memory: Uint8Array, rank: number, dataType: ElementType, address: Pointer): void {
    this.#api.check(
      this.#api.functions.CreateTensorWithDataAsOrtValue(
        this.#core.memoryInfo,
        memory.byteLength === 0 ? this.#noElements : memory,
        memory.byteLength,
        this.#shapeAddress,
        rank,
        elementTypeCode(dataType),
        address,
      ),
    );
  }

  /** Puts a shape where native code reads it and returns its element count. Throws EngineError for what is no shape. */
  #writeShape(shape: readonly number[]): number {
    if (shape.length > MAX_RANK)
      throw new EngineError(`shape has ${shape.length} dimensions, at most ${MAX_RANK} are supported`);
    let count = 1;
    for (let axis = 0; axis < shape.length; axis++) {
      const dim = shape[axis] ?? -1;
      if (!(Number.isSafeInteger(dim) && dim >= 0))
        throw new EngineError(`dimension ${axis} of shape [${shape}] is not a size`);
      this.#shapeWords[2 * axis] = dim;
      this.#shapeWords[2 * axis + 1] = Math.floor(dim / 2 ** 32);
      count *= dim;
    }
    if (!Number.isSafeInteger(count)) throw new EngineError(`shape [${shape}] has too many elements`);
    return count;
  }

  /**
   * Takes an output that ONNX Runtime allocated. Its bytes are copied: handing out the native memory itself would leave freeing it
   * to the garbage collector, which does not see its size and would let it pile up.
   */
  #copyOut(value: Pointer, name: string, dataType: ElementType | undefined): EngineTensor {
    const f = this.#api.functions;
    if (value === 0 || dataType === undefined)
      throw new EngineError(`output '${name}' is not a tensor of a supported type`);
    const info = this.#api.read((out) => f.GetTensorTypeAndShape(value, out));
    let shape: number[];
    try {
      shape = readDims(this.#api, info);
    } finally {
      f.ReleaseTensorTypeAndShapeInfo(info);
    }
    const count = shape.reduce((product, dim) => product * dim, 1);
    if (dataType === 'BYTES') return { dataType, shape, data: readStringTensor(this.#api, value, count) };
    const data = allocate(count * elementByteSize(dataType));
    const source = this.#api.read((out) => f.GetTensorMutableData(value, out));
    this.#api.cLibrary.copy(data, source, data.byteLength);
    return { dataType, shape, data };
  }

  #releaseValue(values: BigUint64Array, index: number): void {
    const value = Number(values[index]);
    if (value !== 0) this.#api.functions.ReleaseValue(value);
    values[index] = 0n;
  }
}

/** Memory for an output. Large ones are not zeroed: all of it is written before anybody sees it. */
function allocate(bytes: number): Uint8Array {
  return bytes < 4096 ? new Uint8Array(bytes) : new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
