import type { Graph, Node } from '../model.ts';
import type { WireWriter } from '../wire/index.ts';
import { writeAttribute } from './attribute.ts';
import { writeSparseTensor, writeTensor } from './tensor.ts';
import { writeValueInfo } from './type.ts';

/** GraphProto. */
export function writeGraph(writer: WireWriter, graph: Graph): void {
  for (const node of graph.nodes) writer.message(1, (nested) => writeNode(nested, node));
  writer.string(2, graph.name);
  for (const tensor of graph.initializers) writer.message(5, (nested) => writeTensor(nested, tensor));
  for (const input of graph.inputs) writer.message(11, (nested) => writeValueInfo(nested, input));
  for (const output of graph.outputs) writer.message(12, (nested) => writeValueInfo(nested, output));
  for (const info of graph.valueInfos) writer.message(13, (nested) => writeValueInfo(nested, info));
  for (const tensor of graph.sparseInitializers) writer.message(15, (nested) => writeSparseTensor(nested, tensor));
}

/** NodeProto. */
export function writeNode(writer: WireWriter, node: Node): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  if (node.name !== '') writer.string(3, node.name);
  writer.string(4, node.opType);
  for (const [name, attribute] of node.attributes) {
    writer.message(5, (nested) => writeAttribute(nested, name, attribute));
  }
  if (node.domain !== '') writer.string(7, node.domain);
}
