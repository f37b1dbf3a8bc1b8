import { ATTRIBUTE_KINDS } from '../attribute-kinds.ts';
import type { ReadBudget } from '../limits.ts';
import type { Attribute, ConstantTensor, Graph, SparseConstantTensor, ValueType } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';
import { WIRE_FIXED32, WIRE_VARINT, type WireReader } from '../wire/index.ts';
import { readGraph } from './graph.ts';
import { readSparseTensor, readTensor } from './tensor.ts';
import { readType } from './type.ts';

/** Every field of an AttributeProto; which one counts is said by its type. */
class AttributeFields {
  name = '';
  type = 0;
  reference = '';
  float = 0;
  int = 0n;
  string: Uint8Array = new Uint8Array(0);
  tensor: ConstantTensor | undefined;
  graph: Graph | undefined;
  sparse: SparseConstantTensor | undefined;
  valueType: ValueType | undefined;
  readonly floats: number[] = [];
  readonly ints: bigint[] = [];
  readonly strings: Uint8Array[] = [];
  readonly tensors: ConstantTensor[] = [];
  readonly graphs: Graph[] = [];
  readonly sparses: SparseConstantTensor[] = [];
  readonly types: ValueType[] = [];
}

/** AttributeProto, added to `attributes`. */
export function readAttribute(reader: WireReader, budget: ReadBudget, attributes: Map<string, Attribute>): void {
  budget.countObject();
  const fields = new AttributeFields();
  while (reader.tag()) {
    if (!readSingle(reader, budget, fields) && !readRepeated(reader, budget, fields)) reader.skip();
  }
  if (attributes.has(fields.name)) throw new OnnxError('invalid', `attribute '${fields.name}' is given twice`);
  attributes.set(fields.name, attributeOf(fields));
}

function readSingle(reader: WireReader, budget: ReadBudget, fields: AttributeFields): boolean {
  if (reader.field === 1) fields.name = reader.string();
  else if (reader.field === 2) fields.float = reader.float();
  else if (reader.field === 3) fields.int = reader.int64Big();
  else if (reader.field === 4) fields.string = reader.bytes();
  else if (reader.field === 5) fields.tensor = readTensor(reader.message(), budget);
  else if (reader.field === 6) fields.graph = readGraph(reader.message(), budget);
  else if (reader.field === 14) fields.valueType = readType(reader.message(), budget);
  else if (reader.field === 20) fields.type = reader.int32();
  else if (reader.field === 21) fields.reference = reader.string();
  else if (reader.field === 22) fields.sparse = readSparseTensor(reader.message(), budget);
  else return false;
  return true;
}

function readRepeated(reader: WireReader, budget: ReadBudget, fields: AttributeFields): boolean {
  if (reader.field === 7) reader.repeated(WIRE_FIXED32, (source) => fields.floats.push(source.float()));
  else if (reader.field === 8) reader.repeated(WIRE_VARINT, (source) => fields.ints.push(source.int64Big()));
  else if (reader.field === 9) fields.strings.push(reader.bytes());
  else if (reader.field === 10) fields.tensors.push(readTensor(reader.message(), budget));
  else if (reader.field === 11) fields.graphs.push(readGraph(reader.message(), budget));
  else if (reader.field === 15) {
    const type = readType(reader.message(), budget);
    if (type !== undefined) fields.types.push(type);
  } else if (reader.field === 23) fields.sparses.push(readSparseTensor(reader.message(), budget));
  else return false;
  return true;
}

function attributeOf(fields: AttributeFields): Attribute {
  const kind = ATTRIBUTE_KINDS[fields.type];
  if (kind === undefined) throw new OnnxError('invalid', `attribute '${fields.name}': unknown type ${fields.type}`);
  if (fields.reference !== '') return { kind: 'reference', name: fields.reference, type: kind };
  switch (kind) {
    case 'float':
      return { kind, value: fields.float };
    case 'int':
      return { kind, value: fields.int };
    case 'string':
      return { kind, value: fields.string };
    case 'tensor':
      return { kind, value: required(fields.tensor, fields.name) };
    case 'graph':
      return { kind, value: required(fields.graph, fields.name) };
    case 'sparse-tensor':
      return { kind, value: required(fields.sparse, fields.name) };
    case 'type':
      return { kind, value: required(fields.valueType, fields.name) };
    case 'floats':
      return { kind, value: fields.floats };
    case 'ints':
      return { kind, value: fields.ints };
    case 'strings':
      return { kind, value: fields.strings };
    case 'tensors':
      return { kind, value: fields.tensors };
    case 'graphs':
      return { kind, value: fields.graphs };
    case 'sparse-tensors':
      return { kind, value: fields.sparses };
    case 'types':
      return { kind, value: fields.types };
  }
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new OnnxError('invalid', `attribute '${name}' has no value`);
  return value;
}
