import { WIRE_FIXED32, WIRE_VARINT, WireError, WireReader } from '@nereid/onnx/wire';
import { ImportError } from '../shared/index.ts';
import { type DataType, dataTypeOf } from './data-type.ts';
import { readShape, readTensor } from './decode-tensor.ts';
import type { AttrList, AttrValue, GraphDef, NodeDef, Shape } from './graph-def.ts';
import { type GraphDefLimits, ReadBudget } from './limits.ts';

/**
 * Reads a serialised GraphDef (graph.proto, node_def.proto, attr_value.proto of TensorFlow). Weights are views of `bytes`: keep it
 * unchanged as long as the graph is used. Throws ImportError `malformed` (with a byte position) or `limit`.
 */
export function decodeGraphDef(bytes: Uint8Array, limits?: Partial<GraphDefLimits>): GraphDef {
  const budget = new ReadBudget(limits, bytes.length);
  const nodes: NodeDef[] = [];
  const functionNames: string[] = [];
  const versions = { producer: 0, minConsumer: 0 };
  const reader = new WireReader(bytes);
  try {
    while (reader.tag()) {
      if (reader.field === 1) nodes.push(readNode(reader.message(), budget));
      else if (reader.field === 2) readLibrary(reader.message(), budget, functionNames);
      else if (reader.field === 4) readVersions(reader.message(), versions);
      else reader.skip();
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new ImportError('malformed', `not a TensorFlow GraphDef: ${error.message}`, { cause: error });
  }
  return { nodes, functionNames, producerVersion: versions.producer, minConsumerVersion: versions.minConsumer };
}

function readNode(reader: WireReader, budget: ReadBudget): NodeDef {
  budget.countObject();
  const inputs: string[] = [];
  const attributes = new Map<string, AttrValue>();
  let name = '';
  let op = '';
  let device = '';
  try {
    while (reader.tag()) {
      if (reader.field === 1) name = reader.string();
      else if (reader.field === 2) op = reader.string();
      else if (reader.field === 3) {
        budget.countObject();
        inputs.push(reader.string());
      } else if (reader.field === 4) device = reader.string();
      else if (reader.field === 5) readAttribute(reader.message(), budget, attributes);
      else reader.skip();
    }
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    throw new ImportError(error.code, `node '${name}' (${op}): ${error.message}`, { cause: error });
  }
  return { name, op, inputs, device, attributes };
}

/** An entry of `map<string, AttrValue>`. */
function readAttribute(reader: WireReader, budget: ReadBudget, attributes: Map<string, AttrValue>): void {
  budget.countObject();
  let key = '';
  let value: AttrValue | undefined;
  while (reader.tag()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = readAttrValue(reader.message(), budget);
    else reader.skip();
  }
  if (value !== undefined) attributes.set(key, value);
}

function readAttrValue(reader: WireReader, budget: ReadBudget): AttrValue | undefined {
  let value: AttrValue | undefined;
  while (reader.tag()) {
    if (reader.field === 1) value = { kind: 'list', value: readList(reader.message(), budget) };
    else if (reader.field === 2) value = { kind: 'string', value: reader.bytes() };
    else if (reader.field === 3) value = { kind: 'int', value: reader.int64Big() };
    else if (reader.field === 4) value = { kind: 'float', value: reader.float() };
    else if (reader.field === 5) value = { kind: 'bool', value: reader.bool() };
    else if (reader.field === 6) value = { kind: 'type', value: dataTypeOf(reader.int32()) };
    else if (reader.field === 7) value = { kind: 'shape', value: readShape(reader.message(), budget) };
    else if (reader.field === 8) value = { kind: 'tensor', value: readTensor(reader.message(), budget) };
    else if (reader.field === 10) value = { kind: 'function', value: readFunctionName(reader.message()) };
    else reader.skip();
  }
  return value;
}

function readList(reader: WireReader, budget: ReadBudget): AttrList {
  const strings: Uint8Array[] = [];
  const ints: bigint[] = [];
  const floats: number[] = [];
  const bools: boolean[] = [];
  const types: (DataType | undefined)[] = [];
  const shapes: Shape[] = [];
  const add = <Item>(items: Item[], item: Item): void => {
    budget.countObject();
    items.push(item);
  };
  while (reader.tag()) {
    if (reader.field === 2) add(strings, reader.bytes());
    else if (reader.field === 3) reader.repeated(WIRE_VARINT, (source) => add(ints, source.int64Big()));
    else if (reader.field === 4) reader.repeated(WIRE_FIXED32, (source) => add(floats, source.float()));
    else if (reader.field === 5) reader.repeated(WIRE_VARINT, (source) => add(bools, source.bool()));
    else if (reader.field === 6) reader.repeated(WIRE_VARINT, (source) => add(types, dataTypeOf(source.int32())));
    else if (reader.field === 7) add(shapes, readShape(reader.message(), budget));
    else reader.skip();
  }
  return { strings, ints, floats, bools, types, shapes };
}

/** NameAttrList. */
function readFunctionName(reader: WireReader): string {
  let name = '';
  while (reader.tag()) {
    if (reader.field === 1) name = reader.string();
    else reader.skip();
  }
  return name;
}

/** FunctionDefLibrary: only the names, for messages. */
function readLibrary(reader: WireReader, budget: ReadBudget, names: string[]): void {
  while (reader.tag()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    budget.countObject();
    const definition = reader.message();
    while (definition.tag()) {
      if (definition.field === 1) names.push(readFunctionName(definition.message()));
      else definition.skip();
    }
  }
}

function readVersions(reader: WireReader, versions: { producer: number; minConsumer: number }): void {
  while (reader.tag()) {
    if (reader.field === 1) versions.producer = reader.int32();
    else if (reader.field === 2) versions.minConsumer = reader.int32();
    else reader.skip();
  }
}
