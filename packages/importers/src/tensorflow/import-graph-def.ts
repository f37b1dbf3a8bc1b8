import { checkModel, type Model, OnnxError, rawByteLength, TARGET_OPSET } from '@nereid/onnx';
import { type ConversionReport, countByName, ImportError, type OpRegistry } from '../shared/index.ts';
import { Attributes } from './attributes.ts';
import { elementTypeFor } from './data-type.ts';
import { checkSupported, GraphEmitter, type InputBinding, type OutputBinding } from './emit.ts';
import type { GraphDef, NodeDef, Shape } from './graph-def.ts';
import { tensorflowOps } from './ops/index.ts';
import { REWRITES } from './rewrites/index.ts';
import { mergeShapes, UNKNOWN } from './shape-arithmetic.ts';
import { parseReference, SourceGraph } from './source-graph.ts';
import type { TfOp } from './tf-op.ts';

/** An input to make: a Placeholder or a PlaceholderWithDefault. */
export interface GraphDefInput {
  /** The name it gets, `node` or `node:0`. */
  readonly name: string;
  /** What is known of its shape; the graph's own rank and dimensions win. */
  readonly shape?: Shape;
  /** The first dimension is a batch of any size, even if the graph has a number there: TensorFlow does not hold a fed value to it. */
  readonly openBatch?: boolean;
}

export interface GraphDefImportOptions {
  /** Named in every message. Default `graph`. */
  readonly modelName?: string;
  /** Default: every placeholder that the outputs depend on. */
  readonly inputs?: readonly GraphDefInput[];
  /** Outputs by the name they get, `node` or `node:k`. Default: every node whose value no other node takes. */
  readonly outputs?: readonly string[];
}

export interface ImportedModel {
  readonly model: Model;
  readonly report: ConversionReport;
}

/**
 * Translates a frozen TensorFlow graph to ONNX. Control inputs are ignored: a frozen graph has no effects to order.
 * The weights of the result are the graph's own memory where their layout need not change.
 * Throws ImportError naming the model, and the node where there is one: every operation that is not supported at once.
 */
export function importGraphDef(graphDef: GraphDef, options: GraphDefImportOptions = {}): ImportedModel {
  const modelName = options.modelName ?? 'graph';
  try {
    return translate(graphDef, options, modelName);
  } catch (error) {
    if (!(error instanceof ImportError) && !(error instanceof OnnxError)) throw error;
    throw new ImportError(error.code, `import TensorFlow model '${modelName}': ${error.message}`, { cause: error });
  }
}

function translate(graphDef: GraphDef, options: GraphDefImportOptions, modelName: string): ImportedModel {
  const ops = tensorflowOps();
  const original = SourceGraph.of(graphDef);
  const outputs = (options.outputs ?? original.sinks()).map((name) => bindOutput(original, name));
  if (outputs.length === 0) throw new ImportError('invalid', 'the graph has no outputs');
  const outputNodes = outputs.map((output) => output.reference.node);
  const inputs = (options.inputs ?? defaultInputs(original, outputNodes)).map((input) => bindInput(original, input));
  requireSupported(original, outputNodes, inputs, ops, graphDef.functionNames);
  const kept = new Set(outputNodes);
  const graph = REWRITES.reduce((current, rewrite) => new SourceGraph(rewrite(current, kept)), original);
  const emitted = new GraphEmitter(graph, ops).emit(inputs, outputs, modelName);
  checkModel(emitted.model);
  const report: ConversionReport = {
    format: 'tensorflow_graphdef',
    inputs: inputs.map(({ name, dataType, shape }) => ({
      name,
      elementType: elementTypeFor(dataType) ?? dataType,
      shape,
    })),
    outputs: emitted.outputs.map(({ name, dataType, shape }) => ({
      name,
      elementType: elementTypeFor(dataType) ?? dataType,
      shape,
    })),
    sourceOperations: countByName(emitted.sourceNodes.map((node) => node.op)),
    targetOperators: countByName(emitted.model.graph.nodes.map((node) => node.opType)),
    weightBytes: weightBytes(emitted.model),
    opset: TARGET_OPSET,
  };
  return { model: emitted.model, report };
}

/** What the outputs depend on, without what lies behind the inputs. */
function requireSupported(
  graph: SourceGraph,
  outputNodes: readonly string[],
  inputs: readonly InputBinding[],
  ops: OpRegistry<TfOp>,
  functionNames: readonly string[],
): void {
  const nodes = graph.reachable(outputNodes);
  const functions = new Set(functionNames);
  const call = nodes.find((node) => functions.has(node.op) || /^(Stateful)?PartitionedCall$/.test(node.op));
  if (call !== undefined) {
    throw new ImportError(
      'unsupported',
      `node '${call.name}' (${call.op}) calls a function: the graph must be frozen and inlined`,
    );
  }
  checkSupported(nodes, ops, new Set(inputs.map((input) => input.node)));
}

function defaultInputs(graph: SourceGraph, outputNodes: readonly string[]): readonly GraphDefInput[] {
  const needed = new Set(graph.reachable(outputNodes).map((node) => node.name));
  return graph.placeholders().filter((node) => needed.has(node.name));
}

function bindInput(graph: SourceGraph, { name, shape, openBatch = false }: GraphDefInput): InputBinding {
  const reference = parseReference(name);
  const node = graph.find(reference.node);
  if (node === undefined) throw new ImportError('invalid', `input '${name}' does not exist`);
  if (!isPlaceholder(node) || reference.output !== 0) {
    throw new ImportError('invalid', `input '${name}' is not a placeholder but a ${node.op}`);
  }
  const attributes = new Attributes(node);
  const merged = mergeShapes(attributes.shape('shape'), shape);
  const open = openBatch && merged !== undefined && merged.length > 0 ? merged.with(0, UNKNOWN) : merged;
  return { name, node: node.name, dataType: attributes.type('dtype'), shape: open };
}

function isPlaceholder(node: NodeDef): boolean {
  return node.op === 'Placeholder' || node.op === 'PlaceholderWithDefault';
}

function bindOutput(graph: SourceGraph, name: string): OutputBinding {
  const reference = parseReference(name);
  if (graph.find(reference.node) === undefined) throw new ImportError('invalid', `output '${name}' does not exist`);
  return { name, reference };
}

function weightBytes(model: Model): number {
  let bytes = 0;
  for (const { elementType, dims, content } of model.graph.initializers) {
    if (content.kind === 'raw')
      bytes += rawByteLength(
        elementType,
        dims.reduce((product, size) => product * size, 1),
      );
  }
  return bytes;
}
