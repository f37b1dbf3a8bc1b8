import {
  Classification,
  classify,
  type OutputForm,
  type SharedMemoryReference,
  type Tensor,
  type WireOutput,
} from '@nereid/protocol';
import type { ModelHandle } from '../../inference/index.ts';
import type { SliceRunner } from './slice-runner.ts';

/** Longest text of a number with its comma; used to tell large answers from small ones. */
const NUMBER_TEXT_BYTES = 12;
/** How much longer a string may become by escaping, on average. */
const STRING_GROWTH = 2;
/** Outputs of more bytes take long to be classified. */
const MANY_VALUES_BYTES = 131_072;

/** In which form each output of a request is returned. */
export class OutputPlan {
  /** Names asked for; empty for all outputs. */
  readonly names: readonly string[];
  readonly #outputs: readonly WireOutput[];
  readonly #byName: ReadonlyMap<string, WireOutput> | undefined;
  readonly #default: OutputForm;
  readonly #classifies: boolean;

  constructor(outputs: readonly WireOutput[], binaryByDefault: boolean) {
    this.#outputs = outputs;
    this.names = outputs.length === 0 ? NO_NAMES : outputs.map(({ name }) => name);
    this.#byName = outputs.length > 8 ? new Map(outputs.map((output) => [output.name, output])) : undefined;
    this.#default = binaryByDefault ? 'binary' : 'json';
    this.#classifies = outputs.some(({ classCount }) => classCount > 0);
  }

  form(name: string): OutputForm {
    const output = this.#find(name);
    if (output === undefined) return this.#default;
    if (output.sharedMemory !== undefined) return 'sharedMemory';
    return output.binary ? 'binary' : 'json';
  }

  /** Where an output goes instead of into the answer. */
  place(name: string): SharedMemoryReference | undefined {
    return this.#find(name)?.sharedMemory;
  }

  /** The outputs with those that classes were asked for replaced by them. Throws StatusError with Triton's texts. */
  classified(outputs: readonly Tensor[], model: ModelHandle): readonly Tensor[] {
    if (!this.#classifies) return outputs;
    return outputs.map((tensor) => {
      const count = this.#find(tensor.name)?.classCount ?? 0;
      if (count === 0) return tensor;
      return classify(tensor, count, model.signature.maxBatchSize > 0, model.labels(tensor.name));
    });
  }

  /** Are there classes of so many values to be found that it takes long? */
  classifiesMany(outputs: readonly Tensor[]): boolean {
    if (!this.#classifies) return false;
    return outputs.some(
      ({ name, data }) => data.byteLength > MANY_VALUES_BYTES && (this.#find(name)?.classCount ?? 0) > 0,
    );
  }

  /** `classified` in slices. `done` gets the outputs or the StatusError. */
  classifyInSlices(
    slices: SliceRunner,
    outputs: readonly Tensor[],
    model: ModelHandle,
    done: (error: unknown, outputs: readonly Tensor[]) => void,
  ): void {
    const classified: Tensor[] = [];
    let current: Classification | undefined;
    const step = (): boolean => {
      const tensor = outputs[classified.length];
      if (tensor === undefined) return true;
      const count = this.#find(tensor.name)?.classCount ?? 0;
      if (count === 0) {
        classified.push(tensor);
        return false;
      }
      current ??= new Classification(tensor, count, model.signature.maxBatchSize > 0, model.labels(tensor.name));
      if (!current.step()) return false;
      classified.push(current.tensor);
      current = undefined;
      return false;
    };
    slices.run(step, (error) => done(error, classified));
  }

  /** About how many bytes the outputs take as JSON. */
  jsonBytes(outputs: readonly Tensor[]): number {
    let bytes = 0;
    for (const tensor of outputs) {
      if (this.form(tensor.name) !== 'json') continue;
      if (tensor.dataType === 'BYTES') bytes += tensor.data.byteLength * STRING_GROWTH;
      else bytes += tensor.shape.reduce((product, dim) => product * dim, NUMBER_TEXT_BYTES);
    }
    return bytes;
  }

  #find(name: string): WireOutput | undefined {
    if (this.#byName !== undefined) return this.#byName.get(name);
    for (const output of this.#outputs) if (output.name === name) return output;
    return undefined;
  }
}

const NO_NAMES: readonly string[] = [];
