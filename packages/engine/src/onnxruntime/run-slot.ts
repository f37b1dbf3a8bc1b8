import { allocate } from './allocate.ts';
import { addressOf, type OrtApi, type Pointer } from './api.ts';
import { type ElementType, elementByteSize, elementTypeCode } from './element-type.ts';
import { EngineError } from './error.ts';
import { isLongCopy, isLongStringTensor, type LongWork } from './long-work.ts';
import { readDims } from './model-info.ts';
import type { SessionCore } from './session-core.ts';
import {
  isLongToRead,
  makeLongStringTensor,
  makeStringTensor,
  readLongStringTensor,
  readStringTensor,
} from './string-tensor.ts';
import type { EngineTensor, RunInput } from './tensor.ts';

const MAX_RANK = 64;

/** A result, or how to get it where that takes long. */
type Collected = EngineTensor | (() => Promise<EngineTensor>);

const NO_VALUES: readonly Pointer[] = [];
/** Stands for a result that is still to come. */
const NO_TENSOR: EngineTensor = { dataType: 'BOOL', shape: [], data: new Uint8Array(0) };

/** What is passed for a tensor without elements, whose own memory may be NULL. */
const NO_ELEMENTS = 16;

/**
 * A run in flight: the one owner of everything native code may touch between the start of a run and its end. Input and output memory,
 * OrtValues, name arrays and run options stay referenced from here, and a session references its slots until they are free again.
 *
 * Use: `prepare`, then the native call with the addresses, then `collect` (success) and always `clear`. A slot serves one run at a time and
 * is used again for the next. With `LongWork`, what would hold the calling thread is left to `prepareRest` and `collectRest`, and what is
 * slow to free to whoever calls `clear`.
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
  /** Memory of the inputs, as handed to ONNX Runtime, and whatever else native code uses. */
  #inputMemory: ArrayBufferView[] = [];
  #outputIndices: readonly number[] = [];
  /** Memory of the outputs that ONNX Runtime writes into directly; undefined where it allocates. */
  #outputMemory: (Uint8Array | undefined)[] = [];
  #outputShapes: (readonly number[] | undefined)[] = [];
  /** What `prepare` left to be done, in this order. */
  #rest: (() => Promise<void>)[] = [];
  /** Values that take milliseconds to free. */
  readonly #slowValues = new Set<Pointer>();
  readonly #keep = (memory: ArrayBufferView): void => {
    this.#inputMemory.push(memory);
  };

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

  /**
   * Makes the OrtValues of a run. Throws EngineError or OnnxRuntimeError; `clear` is due then too. With `work` only what is quickly done;
   * where it answers true, `prepareRest` is due.
   */
  prepare(inputs: readonly RunInput[], outputs: readonly number[], work?: LongWork): boolean {
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
      this.#addInput(input, work);
    }
    this.#outputIndices = outputs;
    for (const output of outputs) this.#addOutput(output, byIndex);
    return this.#rest.length > 0;
  }

  /** What `prepare` left. Rejects with EngineError or OnnxRuntimeError. */
  async prepareRest(): Promise<void> {
    // One after the other: after a failure no other call is under way.
    for (const prepare of this.#rest) await prepare();
  }

  /**
   * Results of a run that succeeded, in the order the outputs were asked for. Throws OnnxRuntimeError or EngineError. With `work` a promise of
   * them where copying them out takes long.
   */
  collect(): EngineTensor[];
  collect(work: LongWork): EngineTensor[] | Promise<EngineTensor[]>;
  collect(work?: LongWork): EngineTensor[] | Promise<EngineTensor[]> {
    const later: [number, () => Promise<EngineTensor>][] = [];
    const results = this.#outputIndices.map((output, position) => {
      const info = this.#core.outputs[output];
      const data = this.#outputMemory[position];
      const shape = this.#outputShapes[position];
      if (data !== undefined && shape !== undefined && info?.dataType !== undefined)
        return { dataType: info.dataType, shape, data };
      const result = this.#copyOut(Number(this.#outputValues[position]), info?.name ?? '', info?.dataType, work);
      if (typeof result !== 'function') return result;
      later.push([position, result]);
      return NO_TENSOR;
    });
    return later.length === 0 ? results : collectRest(results, later);
  }

  /**
   * Frees the OrtValues and forgets the memory. Only when no native call uses the slot any more. Answers the values that are left to be freed
   * because that takes long.
   */
  clear(): readonly Pointer[] {
    let slow = NO_VALUES;
    if (this.#slowValues.size > 0) slow = this.#takeSlowValues();
    for (let index = 0; index < this.inputCount; index++) this.#releaseValue(this.#inputValues, index);
    for (let index = 0; index < this.outputCount; index++) this.#releaseValue(this.#outputValues, index);
    this.inputCount = 0;
    this.outputCount = 0;
    this.#inputMemory = [];
    this.#rest = [];
    this.#outputMemory = [];
    this.#outputShapes = [];
    return slow;
  }

  /** Frees the slot itself. */
  dispose(): void {
    for (const value of this.clear()) this.#api.functions.ReleaseValue(value);
    if (this.runOptions !== 0) this.#api.functions.ReleaseRunOptions(this.runOptions);
    this.runOptions = 0;
  }

  /** True when at least one output was given memory by its planned shape. */
  get hasPlannedOutputs(): boolean {
    return this.#outputMemory.some((memory) => memory !== undefined);
  }

  #addInput(input: RunInput, work: LongWork | undefined): void {
    const position = this.inputCount;
    const address = this.inputValues + 8 * position;
    this.#inputValues[this.inputCount++] = 0n;
    const count = this.#writeShape(input.shape);
    if (input.dataType === 'BYTES') {
      this.#addString(input, count, position, work);
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
    const memory = input.data.byteOffset % size === 0 ? input.data : this.#aligned(input.data, work);
    this.#inputMemory.push(memory);
    this.#createTensor(memory, input.shape.length, input.dataType, address);
  }

  #aligned(data: Uint8Array, work: LongWork | undefined): Uint8Array {
    if (work === undefined || !isLongCopy(data.byteLength)) return data.slice();
    const copy = allocate(data.byteLength);
    this.#rest.push(() => work.copy(this.#api, copy, data, data.byteLength));
    return copy;
  }

  #addString(
    { data, shape, cStrings = false }: RunInput,
    count: number,
    position: number,
    work: LongWork | undefined,
  ): void {
    const tensor = {
      allocator: this.#core.allocator,
      shape: this.#shapeAddress,
      rank: shape.length,
      count,
      data,
      cStrings,
      values: this.#inputValues,
      position,
      target: this.inputValues + 8 * position,
    };
    if (work === undefined || !isLongStringTensor(count, data.byteLength)) {
      makeStringTensor(this.#api, tensor);
      return;
    }
    const ownShape = this.#shape.slice(0, shape.length);
    this.#inputMemory.push(ownShape, data);
    this.#rest.push(async () => {
      try {
        await makeLongStringTensor(this.#api, { ...tensor, shape: addressOf(ownShape) }, work, this.#keep);
      } finally {
        this.#slowValues.add(Number(this.#inputValues[position]));
      }
    });
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
  #copyOut(value: Pointer, name: string, dataType: ElementType | undefined, work: LongWork | undefined): Collected {
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
    if (dataType === 'BYTES') return this.#copyStrings(value, shape, count, work);
    const data = allocate(count * elementByteSize(dataType));
    const source = this.#api.read((out) => f.GetTensorMutableData(value, out));
    const tensor = { dataType, shape, data };
    if (work === undefined || !isLongCopy(data.byteLength)) {
      this.#api.cLibrary.copy(data, source, data.byteLength);
      return tensor;
    }
    return async () => {
      await work.copy(this.#api, data, source, data.byteLength);
      return tensor;
    };
  }

  #copyStrings(value: Pointer, shape: readonly number[], count: number, work: LongWork | undefined): Collected {
    const dataType = 'BYTES';
    if (work === undefined || !isLongToRead(this.#api, value, count)) {
      return { dataType, shape, data: readStringTensor(this.#api, value, count) };
    }
    this.#slowValues.add(value);
    return async () => {
      const data = await readLongStringTensor(this.#api, value, count, work, this.#keep);
      return { dataType, shape, data };
    };
  }

  #takeSlowValues(): Pointer[] {
    const taken: Pointer[] = [];
    for (const values of [this.#inputValues, this.#outputValues]) {
      values.forEach((value, index) => {
        if (!this.#slowValues.delete(Number(value))) return;
        taken.push(Number(value));
        values[index] = 0n;
      });
    }
    this.#slowValues.clear();
    return taken;
  }

  #releaseValue(values: BigUint64Array, index: number): void {
    const value = Number(values[index]);
    if (value !== 0) this.#api.functions.ReleaseValue(value);
    values[index] = 0n;
  }
}

/** One after the other: after a failure no other call is under way. */
async function collectRest(
  results: EngineTensor[],
  later: readonly (readonly [number, () => Promise<EngineTensor>])[],
): Promise<EngineTensor[]> {
  for (const [position, collect] of later) results[position] = await collect();
  return results;
}
