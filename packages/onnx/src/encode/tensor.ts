import { elementTypeCode } from '../element-type.ts';
import type { ConstantTensor, SparseConstantTensor } from '../model.ts';
import type { WireWriter } from '../wire/index.ts';

/** TensorProto. Raw elements are referenced by the writer, not copied. */
export function writeTensor(writer: WireWriter, tensor: ConstantTensor): void {
  if (tensor.dims.length > 0) writer.packedInt64(1, tensor.dims);
  writer.uint32(2, elementTypeCode(tensor.elementType));
  if (tensor.name !== '') writer.string(8, tensor.name);
  const content = tensor.content;
  if (content.kind === 'raw') writer.bytes(9, content.bytes);
  else if (content.kind === 'strings') {
    for (const value of content.values) writer.bytes(6, value);
  } else {
    for (const [key, value] of content.entries) {
      writer.message(13, (entry) => writeStringMapEntry(entry, key, value));
    }
    writer.uint32(14, 1);
  }
}

/** SparseTensorProto. */
export function writeSparseTensor(writer: WireWriter, tensor: SparseConstantTensor): void {
  writer.message(1, (nested) => writeTensor(nested, tensor.values));
  writer.message(2, (nested) => writeTensor(nested, tensor.indices));
  if (tensor.dims.length > 0) writer.packedInt64(3, tensor.dims);
}

/** StringStringEntryProto. */
export function writeStringMapEntry(writer: WireWriter, key: string, value: string): void {
  writer.string(1, key);
  writer.string(2, value);
}
