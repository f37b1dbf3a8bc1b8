import { numericConstant } from '../constant.ts';
import type { ElementType } from '../element-type.ts';
import type { Attribute, ConstantTensor, Dimension, Model, Node, ValueInfo } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';

/**
 * The operator set version models are built for, and the IR version that goes with it. 18 is the first with axes as inputs of every
 * reduction; ONNX Runtime has kernels and fusions for all of it.
 */
export const TARGET_OPSET = 18;
export const TARGET_IR_VERSION = 8;

/** Constants up to this size are shared when equal: axes, shapes, scalars. */
const SHARED_CONSTANT_MAX_ELEMENTS = 16;

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Names of the outputs; default one made from the operator's name. '' leaves an optional output out. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
  readonly name?: string;
}

export interface BuildOptions {
  readonly graphName: string;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly metadata?: ReadonlyMap<string, string>;
}

/**
 * Builds one graph, node by node, in topological order. Values are known by name.
 * What no output depends on is left out of the model, so an importer may emit first and find out later that nobody asks.
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<string, ConstantTensor>();
  readonly #shared = new Map<string, string>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #names = new Set<string>();
  /** Names given out by `uniqueName` that no node produces yet. */
  readonly #reserved = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #suffixes = new Map<string, number>();

  /** A graph input. Throws OnnxError `invalid` when the name is taken. */
  input(name: string, elementType: ElementType, shape: readonly Dimension[] | undefined): string {
    this.#claim(name);
    this.#inputs.push({ name, type: { kind: 'tensor', elementType, shape } });
    return name;
  }

  /** Declares that value `name` is a graph output. */
  output(name: string, elementType: ElementType, shape: readonly Dimension[] | undefined): void {
    this.#outputs.push({ name, type: { kind: 'tensor', elementType, shape } });
  }

  /** Adds a constant under its name (made unique if taken) and returns the name it got. */
  constant(tensor: ConstantTensor): string {
    const name = this.uniqueName(tensor.name === '' ? 'constant' : tensor.name);
    this.#initializers.set(name, tensor.name === name ? tensor : { ...tensor, name });
    return name;
  }

  /** A small numeric constant; equal ones are stored once. */
  numbers(elementType: ElementType, dims: readonly number[], values: readonly (number | bigint)[]): string {
    if (values.length > SHARED_CONSTANT_MAX_ELEMENTS) {
      return this.constant(numericConstant(`const_${elementType}`, elementType, dims, values));
    }
    const printed = values.map((value) => (Object.is(value, -0) ? '-0' : String(value)));
    const key = `${elementType}[${dims}]${printed}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.constant(numericConstant(`const_${elementType}`, elementType, dims, values));
    this.#shared.set(key, name);
    return name;
  }

  /** Adds a node and returns the names of its outputs. */
  node(opType: string, inputs: readonly string[], options: NodeOptions = {}): string[] {
    const outputs = options.outputs ?? [this.uniqueName(opType.toLowerCase())];
    for (const output of outputs) {
      if (output !== '' && !this.#reserved.delete(output)) this.#claim(output);
    }
    const last = inputs.findLastIndex((input) => input !== '');
    this.#nodes.push({
      name: this.uniqueName(options.name ?? `${outputs[0]}/${opType}`, this.#nodeNames),
      opType,
      domain: options.domain ?? '',
      inputs: inputs.slice(0, last + 1),
      outputs: [...outputs],
      attributes: new Map(Object.entries(options.attributes ?? {})),
    });
    return [...outputs];
  }

  /** A value name nobody has, `hint` itself if possible. It is reserved for the caller. */
  uniqueName(hint: string, names: Set<string> = this.#names): string {
    let name = hint;
    while (names.has(name)) {
      const next = (this.#suffixes.get(hint) ?? 0) + 1;
      this.#suffixes.set(hint, next);
      name = `${hint}_${next}`;
    }
    names.add(name);
    if (names === this.#names) this.#reserved.add(name);
    return name;
  }

  /** The model of everything the outputs depend on. */
  build(options: BuildOptions): Model {
    const { nodes, used } = this.#reachable();
    return {
      irVersion: TARGET_IR_VERSION,
      producerName: options.producerName,
      producerVersion: options.producerVersion,
      opsetImports: new Map([['', TARGET_OPSET]]),
      graph: {
        name: options.graphName,
        nodes,
        initializers: [...this.#initializers.values()].filter((tensor) => used.has(tensor.name)),
        sparseInitializers: [],
        inputs: this.#inputs,
        outputs: this.#outputs,
        valueInfos: [],
      },
      functions: [],
      metadata: options.metadata ?? new Map(),
    };
  }

  #claim(name: string): void {
    if (this.#names.has(name)) throw new OnnxError('invalid', `build ONNX graph: value '${name}' is defined twice`);
    this.#names.add(name);
  }

  #reachable(): { nodes: Node[]; used: ReadonlySet<string> } {
    const used = new Set(this.#outputs.map((output) => output.name));
    const nodes: Node[] = [];
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((output) => used.has(output))) continue;
      nodes.push(node);
      for (const input of node.inputs) used.add(input);
    }
    return { nodes: nodes.reverse(), used };
  }
}
