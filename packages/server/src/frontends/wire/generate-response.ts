import { ByteWriter, type Tensor, TensorJsonWriter, type WireParameter, writeParameter } from '@nereid/protocol';
import type { InferenceResponse } from '../../inference/index.ts';
import { SLICE_BYTES } from './slice-runner.ts';

type Member = { readonly text: string } | { readonly parameter: WireParameter } | { readonly tensor: Tensor };

/**
 * A response of the generate extension on its way to bytes, in steps: one flat object, members sorted by name; a tensor of one element is that
 * element, others are lists.
 */
export class GenerateResponseEncoding {
  /** What was written; complete when `step` answered true. */
  readonly parts: Uint8Array[] = [];
  readonly #members = new Map<string, Member>();
  readonly #names: readonly string[];
  readonly #writer = new ByteWriter(1024);
  #next = 0;
  #tensor: TensorJsonWriter | undefined;
  #isList = false;

  constructor(response: InferenceResponse) {
    if (response.id !== '') this.#add('id', { text: response.id });
    this.#add('model_name', { text: response.modelName });
    this.#add('model_version', { text: String(response.modelVersion) });
    for (const [name, parameter] of response.parameters) this.#add(name, { parameter });
    for (const tensor of response.outputs) this.#add(tensor.name, { tensor });
    this.#names = [...this.#members.keys()].sort(byBytes);
  }

  /** True when all is written. Throws StatusError for contents that have no JSON form. */
  step(): boolean {
    const writer = this.#writer;
    while (writer.length < SLICE_BYTES) {
      if (this.#tensor !== undefined) this.#writeTensor(this.#tensor);
      else if (this.#next < this.#names.length) this.#startMember();
      else break;
    }
    const complete = this.#next === this.#names.length && this.#tensor === undefined;
    if (complete) writer.byte(125);
    this.parts.push(writer.view().slice());
    writer.length = 0;
    return complete;
  }

  /** The first of a name stays, whatever comes later. */
  #add(name: string, member: Member): void {
    if (!this.#members.has(name)) this.#members.set(name, member);
  }

  #startMember(): void {
    const writer = this.#writer;
    const name = this.#names[this.#next]!;
    const member = this.#members.get(name)!;
    writer.byte(this.#next++ === 0 ? 123 : 44);
    writer.string(name);
    writer.byte(58);
    if ('text' in member) writer.string(member.text);
    else if ('parameter' in member) writeParameter(writer, member.parameter);
    else this.#startTensor(member.tensor);
  }

  #startTensor(tensor: Tensor): void {
    const count = tensor.shape.reduce((product, dim) => product * dim, 1);
    this.#tensor = new TensorJsonWriter(tensor, count);
    this.#isList = count !== 1;
    if (this.#isList) this.#writer.byte(91);
  }

  #writeTensor(tensor: TensorJsonWriter): void {
    if (!tensor.run(this.#writer, SLICE_BYTES - this.#writer.length)) return;
    if (this.#isList) this.#writer.byte(93);
    this.#tensor = undefined;
  }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
