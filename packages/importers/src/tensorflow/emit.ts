import { GraphBuilder, type Model } from '@nereid/onnx';
import { ImportError, type OpRegistry } from '../shared/index.ts';
import { Attributes } from './attributes.ts';
import type { DataType } from './data-type.ts';
import type { NodeDef, Shape } from './graph-def.ts';
import { type EmitState, OpContext } from './op-context.ts';
import { isStatic, sizeOf, UNKNOWN } from './shape-arithmetic.ts';
import { dataInputs, type InputReference, type SourceGraph } from './source-graph.ts';
import type { TfOp } from './tf-op.ts';
import { computedValue, constantOf, deadValue, isKnown, type Value } from './value.ts';

/** Small results are looked into, so that shapes computed from shapes are known. */
const MAX_FOLDED_ELEMENTS = 4096;
/** A result of known size that is larger than this (2 GB of floats) would be worked out when the model is loaded, from a few bytes in a file. */
const MAX_STATIC_ELEMENTS = 2 ** 29;
/** Node names printed per operation that is not supported. */
const MAX_PRINTED_NODES = 3;

/** An input of the model: the node it replaces and the name it gets. */
export interface InputBinding {
  readonly name: string;
  readonly node: string;
  readonly dataType: DataType;
  readonly shape: Shape;
}

/** An output of the model: the value it is and the name it gets. */
export interface OutputBinding {
  readonly name: string;
  readonly reference: InputReference;
}

export interface EmittedGraph {
  readonly model: Model;
  readonly outputs: readonly { readonly name: string; readonly dataType: DataType; readonly shape: Shape }[];
  readonly sourceNodes: readonly NodeDef[];
}

/** Names every operation among `nodes` that has no translation, all at once. Throws ImportError `unsupported`. */
export function checkSupported(nodes: readonly NodeDef[], ops: OpRegistry<TfOp>, inputs: ReadonlySet<string>): void {
  const unsupported = new Map<string, string[]>();
  for (const node of nodes) {
    if (inputs.has(node.name) || ops.find(node.op) !== undefined) continue;
    if (node.op === 'Placeholder') continue;
    const names = unsupported.get(node.op) ?? [];
    unsupported.set(node.op, names);
    names.push(node.name);
  }
  if (unsupported.size === 0) return;
  const printed = [...unsupported].map(([op, names]) => {
    const shown = names
      .slice(0, MAX_PRINTED_NODES)
      .map((name) => `'${name}'`)
      .join(', ');
    const rest = names.length - MAX_PRINTED_NODES;
    return `${op} (node ${shown}${rest > 0 ? ` and ${rest} more` : ''})`;
  });
  const what =
    unsupported.size === 1 ? 'operation is not supported' : `operations are not supported (${unsupported.size})`;
  throw new ImportError('unsupported', `${what}: ${printed.join('; ')}`);
}

/** Translates the part of `graph` that `outputs` depend on. */
export class GraphEmitter {
  readonly #graph: SourceGraph;
  readonly #ops: OpRegistry<TfOp>;
  readonly #values = new Map<string, readonly Value[]>();
  readonly #state: EmitState = {
    builder: new GraphBuilder(),
    constantNames: new Map(),
    channelsFirst: new Map(),
    permuted: new Map(),
  };

  constructor(graph: SourceGraph, ops: OpRegistry<TfOp>) {
    this.#graph = graph;
    this.#ops = ops;
  }

  emit(inputs: readonly InputBinding[], outputs: readonly OutputBinding[], graphName: string): EmittedGraph {
    const { builder } = this.#state;
    for (const input of inputs) this.#values.set(input.node, [this.#input(input)]);
    // Taken before anything else can be named so.
    for (const output of outputs) builder.uniqueName(output.name);
    const names = [...new Set(outputs.map((output) => output.reference.node))];
    const nodes = this.#graph.order(names);
    for (const node of nodes) {
      if (!this.#values.has(node.name)) this.#values.set(node.name, this.#convert(node));
    }
    const results = outputs.map((output) => this.#output(output));
    const model = builder.build({ graphName, producerName: 'nereid', producerVersion: '' });
    return { model, outputs: results, sourceNodes: nodes };
  }

  #input({ name, dataType, shape }: InputBinding): Value {
    const context = new OpContext(
      { name, op: 'Placeholder', inputs: [], device: '', attributes: new Map() },
      [],
      this.#state,
    );
    const dims = shape?.map((size) => (size === UNKNOWN ? undefined : size));
    this.#state.builder.input(name, context.elementType(dataType), dims);
    return computedValue(name, dataType, shape);
  }

  #output({ name, reference }: OutputBinding): EmittedGraph['outputs'][number] {
    const value = this.#value(reference, name);
    if (value.dead) throw new ImportError('invalid', `output '${name}' is on a branch that is never taken`);
    const context = new OpContext(this.#graph.find(reference.node) as NodeDef, [value], this.#state);
    const { builder } = this.#state;
    builder.node('Identity', [context.nameOf(value)], { outputs: [name] });
    const dims = value.shape?.map((size) => (size === UNKNOWN ? undefined : size));
    builder.output(name, context.elementType(value.dataType), dims);
    return { name, dataType: value.dataType, shape: value.shape };
  }

  #value(reference: InputReference, consumer: string): Value {
    const values = this.#values.get(reference.node) ?? [];
    const value = values[reference.output];
    if (value !== undefined) return value;
    if (values[0]?.dead === true) return values[0];
    throw new ImportError(
      'invalid',
      `'${consumer}' takes output ${reference.output} of node '${reference.node}', which has ${values.length}`,
    );
  }

  #convert(node: NodeDef): readonly Value[] {
    if (node.op === 'Placeholder') {
      throw new ImportError('invalid', `placeholder '${node.name}' is needed but is not an input of the model`);
    }
    const definition = this.#ops.find(node.op) as TfOp;
    const inputs = dataInputs(node).map((reference) => this.#value(reference, node.name));
    if (node.op !== 'Merge' && inputs.some((value) => value.dead)) {
      return [deadValue(new Attributes(node).optionalType('T') ?? 'DT_FLOAT')];
    }
    const context = new OpContext(node, inputs, this.#state);
    const result = definition.convert(context);
    const values = 'dataType' in result ? [result] : result;
    for (const value of values) checkSize(context, value);
    const [first, ...rest] = values;
    return first === undefined ? values : [this.#folded(definition, context, first), ...rest];
  }

  /** The value with what is known of its elements; a constant when everything is. */
  #folded(definition: TfOp, context: OpContext, value: Value): Value {
    const size = sizeOf(value.shape);
    if (
      definition.fold === undefined ||
      value.constant !== undefined ||
      size === undefined ||
      size > MAX_FOLDED_ELEMENTS
    ) {
      return value;
    }
    const inputs = context.inputs.map(withElements);
    if (inputs.some((input) => input.elements === undefined)) return value;
    const elements = definition.fold(new OpContext(context.node, inputs, this.#state), value);
    if (elements === undefined || elements.length !== size || !isStatic(value.shape)) return value;
    if (isKnown(elements)) return constantOf(value.dataType, value.shape, elements);
    return elements.every((element) => element === undefined) ? value : { ...value, elements };
  }
}

function checkSize(context: OpContext, value: Value): void {
  const size = sizeOf(value.shape) ?? 0;
  if (size <= MAX_STATIC_ELEMENTS) return;
  throw new ImportError('limit', `${context.where}: a result of ${size} elements, more than ${MAX_STATIC_ELEMENTS}`);
}

/** A small tensor of known shape has elements, even if none of them is known. */
function withElements(value: Value): Value {
  const size = sizeOf(value.shape);
  if (value.elements !== undefined || size === undefined || size > MAX_FOLDED_ELEMENTS) return value;
  return { ...value, elements: new Array<undefined>(size).fill(undefined) };
}
