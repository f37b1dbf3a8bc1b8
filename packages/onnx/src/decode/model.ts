import { ReadBudget, type ReadLimits } from '../limits.ts';
import type { Attribute, Graph, Model, ModelFunction, Node } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';
import { WireError, WireReader } from '../wire/index.ts';
import { readAttribute } from './attribute.ts';
import { readOpsetImport, readStringMapEntry } from './entries.ts';
import { readGraph, readNode } from './graph.ts';

/**
 * Reads an ONNX model (ModelProto). Weights are views of `bytes`: keep it unchanged as long as the model is used.
 * Fields that do not change what a model computes (documentation, training info, device configurations) are dropped.
 * Throws OnnxError: `malformed` with a byte position, `limit` or `invalid`.
 */
export function readModel(bytes: Uint8Array, limits?: Partial<ReadLimits>): Model {
  const budget = new ReadBudget(limits, bytes.length);
  try {
    return readModelProto(new WireReader(bytes), budget);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new OnnxError('malformed', `read ONNX model: ${error.message}`, { cause: error });
  }
}

function readModelProto(reader: WireReader, budget: ReadBudget): Model {
  const opsetImports = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions: ModelFunction[] = [];
  let irVersion = 0;
  let producerName = '';
  let producerVersion = '';
  let graph: Graph | undefined;
  while (reader.tag()) {
    if (reader.field === 1) irVersion = reader.int64();
    else if (reader.field === 2) producerName = reader.string();
    else if (reader.field === 3) producerVersion = reader.string();
    else if (reader.field === 7) graph = readGraph(reader.message(), budget);
    else if (reader.field === 8) readOpsetImport(reader.message(), opsetImports);
    else if (reader.field === 14) readStringMapEntry(reader.message(), metadata);
    else if (reader.field === 25) functions.push(readFunction(reader.message(), budget));
    else reader.skip();
  }
  if (graph === undefined) throw new OnnxError('malformed', 'read ONNX model: there is no graph in it');
  return { irVersion, producerName, producerVersion, opsetImports, graph, functions, metadata };
}

/** FunctionProto. */
function readFunction(reader: WireReader, budget: ReadBudget): ModelFunction {
  budget.countObject();
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributeNames: string[] = [];
  const attributeDefaults = new Map<string, Attribute>();
  const nodes: Node[] = [];
  const opsetImports = new Map<string, number>();
  let name = '';
  let domain = '';
  while (reader.tag()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 4) inputs.push(reader.string());
    else if (reader.field === 5) outputs.push(reader.string());
    else if (reader.field === 6) attributeNames.push(reader.string());
    else if (reader.field === 7) nodes.push(readNode(reader.message(), budget));
    else if (reader.field === 9) readOpsetImport(reader.message(), opsetImports);
    else if (reader.field === 10) domain = reader.string();
    else if (reader.field === 11) readAttribute(reader.message(), budget, attributeDefaults);
    else reader.skip();
  }
  return { name, domain, inputs, outputs, attributeNames, attributeDefaults, nodes, opsetImports };
}
