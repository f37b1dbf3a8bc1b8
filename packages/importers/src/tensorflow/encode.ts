import { concatenate, WireWriter } from '@nereid/onnx/wire';
import { type DataType, dataTypeCode } from './data-type.ts';
import type { AttrList, AttrValue, GraphDef, NodeDef, Shape, TensorConstant } from './graph-def.ts';

/**
 * A graph as the pieces of a GraphDef file, in order. Weights are the tensors' own memory. Function libraries are not written: a graph
 * with one must be frozen first.
 */
export function encodeGraphDefChunks(graph: GraphDef): readonly Uint8Array[] {
  const writer = new WireWriter();
  for (const node of graph.nodes) writer.message(1, (nested) => writeNode(nested, node));
  writer.message(4, (versions) => {
    versions.int64(1, graph.producerVersion);
    if (graph.minConsumerVersion !== 0) versions.int64(2, graph.minConsumerVersion);
  });
  return writer.chunks();
}

/** A graph as one buffer. */
export function encodeGraphDef(graph: GraphDef): Uint8Array<ArrayBuffer> {
  return concatenate(encodeGraphDefChunks(graph));
}

function writeNode(writer: WireWriter, node: NodeDef): void {
  writer.string(1, node.name);
  writer.string(2, node.op);
  for (const input of node.inputs) writer.string(3, input);
  if (node.device !== '') writer.string(4, node.device);
  for (const [key, value] of node.attributes) {
    writer.message(5, (entry) => {
      entry.string(1, key);
      entry.message(2, (nested) => writeAttrValue(nested, value));
    });
  }
}

function writeAttrValue(writer: WireWriter, attribute: AttrValue): void {
  switch (attribute.kind) {
    case 'list':
      writer.message(1, (nested) => writeList(nested, attribute.value));
      break;
    case 'string':
      writer.bytes(2, attribute.value);
      break;
    case 'int':
      writer.int64(3, attribute.value);
      break;
    case 'float':
      writer.float(4, attribute.value);
      break;
    case 'bool':
      writer.bool(5, attribute.value);
      break;
    case 'type':
      writer.uint32(6, typeCode(attribute.value));
      break;
    case 'shape':
      writer.message(7, (nested) => writeShape(nested, attribute.value));
      break;
    case 'tensor':
      writer.message(8, (nested) => writeTensor(nested, attribute.value));
      break;
    case 'function':
      writer.message(10, (nested) => nested.string(1, attribute.value));
      break;
  }
}

function writeList(writer: WireWriter, list: AttrList): void {
  for (const value of list.strings) writer.bytes(2, value);
  if (list.ints.length > 0) writer.packedInt64(3, list.ints);
  if (list.floats.length > 0) writer.packedFloat(4, list.floats);
  if (list.bools.length > 0) writer.packedInt64(5, list.bools.map(Number));
  if (list.types.length > 0) writer.packedInt64(6, list.types.map(typeCode));
  for (const shape of list.shapes) writer.message(7, (nested) => writeShape(nested, shape));
}

function writeShape(writer: WireWriter, shape: Shape): void {
  if (shape === undefined) {
    writer.bool(3, true);
    return;
  }
  for (const size of shape) writer.message(2, (dim) => dim.int64(1, size));
}

function writeTensor(writer: WireWriter, tensor: TensorConstant): void {
  writer.uint32(1, dataTypeCode(tensor.dataType));
  writer.message(2, (nested) => writeShape(nested, tensor.dims));
  if (tensor.content.kind === 'raw') writer.bytes(4, tensor.content.bytes);
  else for (const value of tensor.content.values) writer.bytes(8, value);
}

function typeCode(type: DataType | undefined): number {
  return type === undefined ? 0 : dataTypeCode(type);
}
