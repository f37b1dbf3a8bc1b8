import { type ByteWriter, TensorJsonWriter } from '../json/index.ts';
import type { Tensor } from '../tensor.ts';
import type { WireParameter } from './request.ts';

/** How an output is returned: inside the JSON, behind it, or not at all because the client finds it in shared memory. */
export type OutputForm = 'json' | 'binary' | 'sharedMemory';

/** A response of the KServe v2 HTTP protocol before it is bytes. */
export interface WireInferResponse {
  /** '' leaves the member out. */
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: number;
  /** Left out when empty. Integers are bigints or numbers without fraction. */
  readonly parameters: ReadonlyMap<string, WireParameter>;
  /** How often `parameters` lists its members; 1 when absent. */
  readonly parameterRepeats?: number;
  readonly outputs: readonly Tensor[];
}

/**
 * One response on its way to bytes, resumably. The JSON is written to the writer given; binary outputs are kept as they are, to be sent
 * behind it.
 */
export class InferResponseEncoding {
  readonly #response: WireInferResponse;
  readonly #form: (outputName: string) => OutputForm;
  readonly #writer: ByteWriter;
  #index = -1;
  #tensor: TensorJsonWriter | undefined;
  /** Contents of the binary outputs, in order, empty ones left out. */
  readonly binaryParts: Uint8Array[] = [];

  constructor(response: WireInferResponse, form: (outputName: string) => OutputForm, writer: ByteWriter) {
    this.#response = response;
    this.#form = form;
    this.#writer = writer;
  }

  /** Writes about `byteBudget` bytes; true when the response is complete. Throws StatusError for contents that cannot be sent as JSON. */
  run(byteBudget: number): boolean {
    const stopAt = this.#writer.length + byteBudget;
    if (this.#index < 0) {
      this.#head();
      this.#index = 0;
    }
    const { outputs } = this.#response;
    while (this.#index < outputs.length) {
      if (this.#tensor === undefined) this.#startOutput(outputs[this.#index]!);
      if (this.#tensor !== undefined) {
        if (!this.#tensor.run(this.#writer, stopAt - this.#writer.length)) return false;
        this.#tensor = undefined;
        this.#writer.ascii(']}');
      }
      this.#index++;
    }
    this.#writer.ascii(']}');
    return true;
  }

  #head(): void {
    const writer = this.#writer;
    const { id, modelName, modelVersion, parameters, parameterRepeats } = this.#response;
    writer.byte(123);
    if (id !== '') {
      writer.ascii('"id":');
      writer.string(id);
      writer.byte(44);
    }
    writer.ascii('"model_name":');
    writer.string(modelName);
    writer.ascii(',"model_version":"');
    writer.integer(modelVersion);
    writer.byte(34);
    if (parameters.size > 0) {
      writer.ascii(',"parameters":');
      writeParameters(writer, parameters, parameterRepeats ?? 1);
    }
    writer.ascii(',"outputs":[');
  }

  #startOutput(tensor: Tensor): void {
    const writer = this.#writer;
    writer.ascii(this.#index > 0 ? ',{"name":' : '{"name":');
    writer.string(tensor.name);
    writer.ascii(',"datatype":"');
    writer.ascii(tensor.dataType);
    writer.ascii('","shape":[');
    let count = 1;
    for (let index = 0; index < tensor.shape.length; index++) {
      if (index > 0) writer.byte(44);
      writer.integer(tensor.shape[index]!);
      count *= tensor.shape[index]!;
    }
    writer.byte(93);
    this.#startContents(tensor, count);
  }

  #startContents(tensor: Tensor, elementCount: number): void {
    const writer = this.#writer;
    switch (this.#form(tensor.name)) {
      case 'binary':
        writer.ascii(',"parameters":{"binary_data_size":');
        writer.integer(tensor.data.byteLength);
        writer.ascii('}}');
        if (tensor.data.byteLength > 0) this.binaryParts.push(tensor.data);
        break;
      case 'json':
        this.#tensor = new TensorJsonWriter(tensor, elementCount);
        writer.ascii(',"data":[');
        break;
      case 'sharedMemory':
        writer.byte(125);
        break;
    }
  }
}

function writeParameters(writer: ByteWriter, parameters: ReadonlyMap<string, WireParameter>, repeats: number): void {
  let separator = 123;
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [name, value] of parameters) {
      writer.byte(separator);
      separator = 44;
      writer.string(name);
      writer.byte(58);
      writeParameter(writer, value);
    }
  }
  writer.byte(125);
}

/** A parameter's value as JSON; a number without fraction prints as an integer. */
export function writeParameter(writer: ByteWriter, value: WireParameter): void {
  if (typeof value === 'string') writer.string(value);
  else if (typeof value === 'boolean') writer.ascii(value ? 'true' : 'false');
  else if (typeof value === 'bigint') writer.bigInteger(value);
  else if (Number.isSafeInteger(value)) writer.integer(value);
  else writer.double(value);
}
