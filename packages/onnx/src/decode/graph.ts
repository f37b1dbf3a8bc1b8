import type { ReadBudget } from '../limits.ts';
import type { Attribute, ConstantTensor, Graph, Node, SparseConstantTensor, ValueInfo } from '../model.ts';
import type { WireReader } from '../wire/index.ts';
import { readAttribute } from './attribute.ts';
import { readSparseTensor, readTensor } from './tensor.ts';
import { readValueInfo } from './type.ts';

/** GraphProto. */
export function readGraph(reader: WireReader, budget: ReadBudget): Graph {
  return budget.nested(() => {
    const nodes: Node[] = [];
    const initializers: ConstantTensor[] = [];
    const sparseInitializers: SparseConstantTensor[] = [];
    const inputs: ValueInfo[] = [];
    const outputs: ValueInfo[] = [];
    const valueInfos: ValueInfo[] = [];
    let name = '';
    while (reader.tag()) {
      if (reader.field === 1) nodes.push(readNode(reader.message(), budget));
      else if (reader.field === 2) name = reader.string();
      else if (reader.field === 5) initializers.push(readTensor(reader.message(), budget));
      else if (reader.field === 11) inputs.push(readValueInfo(reader.message(), budget));
      else if (reader.field === 12) outputs.push(readValueInfo(reader.message(), budget));
      else if (reader.field === 13) valueInfos.push(readValueInfo(reader.message(), budget));
      else if (reader.field === 15) sparseInitializers.push(readSparseTensor(reader.message(), budget));
      else reader.skip();
    }
    return { name, nodes, initializers, sparseInitializers, inputs, outputs, valueInfos };
  });
}

/** NodeProto. */
export function readNode(reader: WireReader, budget: ReadBudget): Node {
  budget.countObject();
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  let name = '';
  let opType = '';
  let domain = '';
  while (reader.tag()) {
    if (reader.field === 1) inputs.push(countedString(reader, budget));
    else if (reader.field === 2) outputs.push(countedString(reader, budget));
    else if (reader.field === 3) name = reader.string();
    else if (reader.field === 4) opType = reader.string();
    else if (reader.field === 5) readAttribute(reader.message(), budget, attributes);
    else if (reader.field === 7) domain = reader.string();
    else reader.skip();
  }
  return { name, opType, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes };
}

function countedString(reader: WireReader, budget: ReadBudget): string {
  budget.countObject();
  return reader.string();
}
