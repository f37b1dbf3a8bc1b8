import { elementTypeCode } from '../element-type.ts';
import type { Dimension, TensorType, ValueInfo, ValueType } from '../model.ts';
import type { WireWriter } from '../wire/index.ts';

/** ValueInfoProto. */
export function writeValueInfo(writer: WireWriter, info: ValueInfo): void {
  writer.string(1, info.name);
  const type = info.type;
  if (type !== undefined) writer.message(2, (nested) => writeType(nested, type));
}

/** TypeProto. */
export function writeType(writer: WireWriter, type: ValueType): void {
  switch (type.kind) {
    case 'tensor':
      writer.message(1, (nested) => writeTensorType(nested, type));
      break;
    case 'sparse-tensor':
      writer.message(8, (nested) => writeTensorType(nested, type));
      break;
    case 'sequence':
    case 'optional':
      writer.message(type.kind === 'sequence' ? 4 : 9, (nested) =>
        nested.message(1, (element) => writeType(element, type.element)),
      );
      break;
    case 'map':
      writer.message(5, (nested) => {
        nested.uint32(1, elementTypeCode(type.key));
        nested.message(2, (value) => writeType(value, type.value));
      });
      break;
  }
}

function writeTensorType(writer: WireWriter, type: TensorType): void {
  writer.uint32(1, elementTypeCode(type.elementType));
  const shape = type.shape;
  if (shape === undefined) return;
  writer.message(2, (nested) => {
    for (const dimension of shape) nested.message(1, (dim) => writeDimension(dim, dimension));
  });
}

function writeDimension(writer: WireWriter, dimension: Dimension): void {
  if (typeof dimension === 'number') writer.int64(1, dimension);
  else if (dimension !== undefined) writer.string(2, dimension);
}
