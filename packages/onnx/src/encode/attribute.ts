import { ATTRIBUTE_KINDS } from '../attribute-kinds.ts';
import type { Attribute } from '../model.ts';
import type { WireWriter } from '../wire/index.ts';
import { writeGraph } from './graph.ts';
import { writeSparseTensor, writeTensor } from './tensor.ts';
import { writeType } from './type.ts';

/** AttributeProto. */
export function writeAttribute(writer: WireWriter, name: string, attribute: Attribute): void {
  writer.string(1, name);
  if (attribute.kind === 'reference') {
    writer.string(21, attribute.name);
    writer.uint32(20, ATTRIBUTE_KINDS.indexOf(attribute.type));
    return;
  }
  writeValue(writer, attribute);
  writer.uint32(20, ATTRIBUTE_KINDS.indexOf(attribute.kind));
}

function writeValue(writer: WireWriter, attribute: Exclude<Attribute, { kind: 'reference' }>): void {
  switch (attribute.kind) {
    case 'float':
      writer.float(2, attribute.value);
      break;
    case 'int':
      writer.int64(3, attribute.value);
      break;
    case 'string':
      writer.bytes(4, attribute.value);
      break;
    case 'tensor':
      writer.message(5, (nested) => writeTensor(nested, attribute.value));
      break;
    case 'graph':
      writer.message(6, (nested) => writeGraph(nested, attribute.value));
      break;
    case 'type':
      writer.message(14, (nested) => writeType(nested, attribute.value));
      break;
    case 'sparse-tensor':
      writer.message(22, (nested) => writeSparseTensor(nested, attribute.value));
      break;
    case 'floats':
      writer.packedFloat(7, attribute.value);
      break;
    case 'ints':
      writer.packedInt64(8, attribute.value);
      break;
    case 'strings':
      for (const value of attribute.value) writer.bytes(9, value);
      break;
    case 'tensors':
      for (const value of attribute.value) writer.message(10, (nested) => writeTensor(nested, value));
      break;
    case 'graphs':
      for (const value of attribute.value) writer.message(11, (nested) => writeGraph(nested, value));
      break;
    case 'types':
      for (const value of attribute.value) writer.message(15, (nested) => writeType(nested, value));
      break;
    case 'sparse-tensors':
      for (const value of attribute.value) writer.message(23, (nested) => writeSparseTensor(nested, value));
  }
}
