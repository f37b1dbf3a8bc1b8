import { constantElements, numericConstant } from '@nereid/onnx';
import { elementTypeFor } from '../data-type.ts';
import type { AttrValue, NodeDef } from '../graph-def.ts';
import { dataInputs, type SourceGraph } from '../source-graph.ts';

/**
 * SpaceToBatchND -> Conv2D | DepthwiseConv2dNative [-> BiasAdd] -> BatchToSpaceND, which is how TensorFlow writes a dilated convolution,
 * becomes that convolution with `dilations` and explicit padding (paddings minus crops).
 */
export function rewriteDilatedConvolutions(graph: SourceGraph, outputs: ReadonlySet<string>): readonly NodeDef[] {
  const consumers = countConsumers(graph);
  const isPrivate = (node: NodeDef): boolean => consumers.get(node.name) === 1 && !outputs.has(node.name);
  const replaced = new Map<string, NodeDef>();
  for (const node of graph.nodes()) {
    const found = node.op === 'BatchToSpaceND' ? matchTriple(graph, node) : undefined;
    if (found === undefined || !found.between.every(isPrivate)) continue;
    replaced.set(found.convolution.name, found.convolution);
    const [data] = node.inputs as [string];
    replaced.set(node.name, { ...node, op: 'Identity', inputs: [data], attributes: new Map() });
  }
  return Array.from(graph.nodes(), (node) => replaced.get(node.name) ?? node);
}

interface DilatedConvolution {
  /** The convolution as it becomes, under its old name. */
  readonly convolution: NodeDef;
  /** Nodes of the pattern that nobody else may look at. */
  readonly between: readonly NodeDef[];
}

function matchTriple(graph: SourceGraph, batchToSpace: NodeDef): DilatedConvolution | undefined {
  const last = inputNode(graph, batchToSpace, 0);
  const convolution = last?.op === 'BiasAdd' ? inputNode(graph, last, 0) : last;
  if (last === undefined || convolution === undefined || !isPlainConvolution(convolution)) return undefined;
  const spaceToBatch = inputNode(graph, convolution, 0);
  if (spaceToBatch?.op !== 'SpaceToBatchND') return undefined;
  const block = constantInts(graph, spaceToBatch, 1);
  const sameBlock = String(block) === String(constantInts(graph, batchToSpace, 1));
  const paddings = constantInts(graph, spaceToBatch, 2);
  const crops = constantInts(graph, batchToSpace, 2);
  if (block?.length !== 2 || !sameBlock || paddings?.length !== 4 || crops?.length !== 4) return undefined;
  const explicit = paddings.map((padding, index) => padding - (crops[index] as number));
  if (explicit.some((amount) => amount < 0)) return undefined;
  const attributes = new Map(convolution.attributes)
    .set('padding', { kind: 'string', value: Buffer.from('EXPLICIT') })
    .set('explicit_paddings', intList([0, 0, ...explicit, 0, 0]))
    .set('dilations', intList([1, ...block, 1]));
  const inputs = [spaceToBatch.inputs[0] as string, ...convolution.inputs.slice(1)];
  return {
    convolution: { ...convolution, inputs, attributes },
    between: last === convolution ? [spaceToBatch, convolution] : [spaceToBatch, convolution, last],
  };
}

/** Channels last, no padding, no strides, no dilations of its own. */
function isPlainConvolution(node: NodeDef): boolean {
  if (node.op !== 'Conv2D' && node.op !== 'DepthwiseConv2dNative') return false;
  const text = (name: string): string | undefined => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === 'string' ? Buffer.from(attribute.value).toString() : undefined;
  };
  const isOnes = (name: string): boolean => {
    const attribute = node.attributes.get(name);
    return (
      attribute === undefined || (attribute.kind === 'list' && attribute.value.ints.every((entry) => entry === 1n))
    );
  };
  return (
    text('padding') === 'VALID' &&
    (text('data_format') ?? 'NHWC') === 'NHWC' &&
    isOnes('strides') &&
    isOnes('dilations')
  );
}

function inputNode(graph: SourceGraph, node: NodeDef, index: number): NodeDef | undefined {
  const reference = dataInputs(node)[index];
  return reference === undefined || reference.output !== 0 ? undefined : graph.find(reference.node);
}

/** The elements of an input that is a small integer constant. */
function constantInts(graph: SourceGraph, node: NodeDef, index: number): readonly number[] | undefined {
  const value = inputNode(graph, node, index)?.attributes.get('value');
  if (value?.kind !== 'tensor' || value.value.content.kind !== 'raw') return undefined;
  const { dataType, content } = value.value;
  if ((dataType !== 'DT_INT32' && dataType !== 'DT_INT64') || content.bytes.length > 256) return undefined;
  const elementType = elementTypeFor(dataType);
  if (elementType === undefined) return undefined;
  const tensor = { ...numericConstant('', elementType, [0], []), content };
  return constantElements(tensor).map(Number);
}

function countConsumers(graph: SourceGraph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of graph.nodes()) {
    for (const input of dataInputs(node)) counts.set(input.node, (counts.get(input.node) ?? 0) + 1);
  }
  return counts;
}

function intList(values: readonly number[]): AttrValue {
  const empty = { strings: [], floats: [], bools: [], types: [], shapes: [] };
  return { kind: 'list', value: { ...empty, ints: values.map(BigInt) } };
}
