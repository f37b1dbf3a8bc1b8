import { type ElementType, elementTypeOf } from '../element-type.ts';
import type { ReadBudget } from '../limits.ts';
import type { Dimension, TensorType, ValueInfo, ValueType } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';
import type { WireReader } from '../wire/index.ts';

/** ValueInfoProto. */
export function readValueInfo(reader: WireReader, budget: ReadBudget): ValueInfo {
  budget.countObject();
  let name = '';
  let type: ValueType | undefined;
  while (reader.tag()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) type = readType(reader.message(), budget);
    else reader.skip();
  }
  return { name, type };
}

/** TypeProto; undefined for an empty one, which producers write for "not known". */
export function readType(reader: WireReader, budget: ReadBudget): ValueType | undefined {
  return budget.nested(() => {
    let type: ValueType | undefined;
    while (reader.tag()) {
      if (reader.field === 1) type = readTensorType('tensor', reader.message());
      else if (reader.field === 8) type = readTensorType('sparse-tensor', reader.message());
      else if (reader.field === 4) type = { kind: 'sequence', element: readElement(reader.message(), 1, budget) };
      else if (reader.field === 9) type = { kind: 'optional', element: readElement(reader.message(), 1, budget) };
      else if (reader.field === 5) type = readMapType(reader.message(), budget);
      else if (reader.field === 7) throw new OnnxError('invalid', 'opaque types are not supported');
      else reader.skip();
    }
    return type;
  });
}

function readTensorType(kind: TensorType['kind'], reader: WireReader): TensorType {
  let code = 0;
  let shape: Dimension[] | undefined;
  while (reader.tag()) {
    if (reader.field === 1) code = reader.int32();
    else if (reader.field === 2) shape = readShape(reader.message());
    else reader.skip();
  }
  return { kind, elementType: requireElementType(code), shape };
}

function readMapType(reader: WireReader, budget: ReadBudget): ValueType {
  let code = 0;
  let value: ValueType | undefined;
  while (reader.tag()) {
    if (reader.field === 1) code = reader.int32();
    else if (reader.field === 2) value = readType(reader.message(), budget);
    else reader.skip();
  }
  if (value === undefined) throw new OnnxError('invalid', 'map type without a value type');
  return { kind: 'map', key: requireElementType(code), value };
}

function readElement(reader: WireReader, field: number, budget: ReadBudget): ValueType {
  let element: ValueType | undefined;
  while (reader.tag()) {
    if (reader.field === field) element = readType(reader.message(), budget);
    else reader.skip();
  }
  if (element === undefined) throw new OnnxError('invalid', 'sequence or optional type without an element type');
  return element;
}

function readShape(reader: WireReader): Dimension[] {
  const dims: Dimension[] = [];
  while (reader.tag()) {
    if (reader.field === 1) dims.push(readDimension(reader.message()));
    else reader.skip();
  }
  return dims;
}

function readDimension(reader: WireReader): Dimension {
  let dimension: Dimension;
  while (reader.tag()) {
    if (reader.field === 1) dimension = reader.int64();
    else if (reader.field === 2) dimension = reader.string() || undefined;
    else reader.skip();
  }
  return dimension;
}

function requireElementType(code: number): ElementType {
  const type = elementTypeOf(code);
  if (type === undefined) throw new OnnxError('invalid', `unknown element type ${code}`);
  return type;
}
