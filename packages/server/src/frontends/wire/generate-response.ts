import { ByteWriter, type Tensor, TensorJsonWriter, type WireParameter, writeParameter } from '@nereid/protocol';
import type { InferenceResponse } from '../../inference/index.ts';

type Member = { readonly text: string } | { readonly parameter: WireParameter } | { readonly tensor: Tensor };

/**
 * A response of the generate extension: one flat object, members sorted by name; a tensor of one element is that element, others are lists.
 * Throws StatusError for contents that have no JSON form.
 */
export function generateResponse(response: InferenceResponse): Uint8Array {
  const members = new Map<string, Member>();
  // The first of a name stays, whatever comes later.
  const add = (name: string, member: Member): void => {
    if (!members.has(name)) members.set(name, member);
  };
  if (response.id !== '') add('id', { text: response.id });
  add('model_name', { text: response.modelName });
  add('model_version', { text: String(response.modelVersion) });
  for (const [name, parameter] of response.parameters) add(name, { parameter });
  for (const tensor of response.outputs) add(tensor.name, { tensor });

  const writer = new ByteWriter(1024);
  let separator = 123;
  for (const name of [...members.keys()].sort(byBytes)) {
    writer.byte(separator);
    separator = 44;
    writer.string(name);
    writer.byte(58);
    writeMember(writer, members.get(name)!);
  }
  writer.byte(125);
  return writer.view();
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function writeMember(writer: ByteWriter, member: Member): void {
  if ('text' in member) writer.string(member.text);
  else if ('parameter' in member) writeParameter(writer, member.parameter);
  else writeTensor(writer, member.tensor);
}

function writeTensor(writer: ByteWriter, tensor: Tensor): void {
  const count = tensor.shape.reduce((product, dim) => product * dim, 1);
  const elements = new TensorJsonWriter(tensor, count);
  if (count !== 1) writer.byte(91);
  elements.run(writer, Number.POSITIVE_INFINITY);
  if (count !== 1) writer.byte(93);
}
