import { ImportError } from '../shared/index.ts';
import type { GraphDef, NodeDef } from './graph-def.ts';

/** What a node's input string refers to. */
export interface InputReference {
  readonly node: string;
  readonly output: number;
  /** `^node`: runs before, hands over nothing. */
  readonly control: boolean;
}

/** `name` is output 0, `name:2` output 2, `^name` a control input (graph.proto). */
export function parseReference(text: string): InputReference {
  if (text.startsWith('^')) return { node: text.slice(1), output: 0, control: true };
  const match = /^(.*):(\d{1,5})$/s.exec(text);
  if (match === null) return { node: text, output: 0, control: false };
  return { node: match[1] as string, output: Number(match[2]), control: false };
}

/** The values a node takes, in order; control inputs left out. */
export function dataInputs(node: NodeDef): readonly InputReference[] {
  return node.inputs.map(parseReference).filter((reference) => !reference.control);
}

/** A node whose inputs are being ordered; `next` is the one to look at. */
interface OrderFrame {
  readonly node: NodeDef;
  readonly inputs: readonly InputReference[];
  next: number;
}

/** A GraphDef by name. Throws ImportError `invalid` when two nodes share one. */
export class SourceGraph {
  readonly #nodes = new Map<string, NodeDef>();

  constructor(nodes: readonly NodeDef[]) {
    for (const node of nodes) {
      if (this.#nodes.has(node.name)) throw new ImportError('invalid', `two nodes are named '${node.name}'`);
      this.#nodes.set(node.name, node);
    }
  }

  static of(graph: GraphDef): SourceGraph {
    if (graph.nodes.length === 0) throw new ImportError('invalid', 'the graph has no nodes');
    return new SourceGraph(graph.nodes);
  }

  find(name: string): NodeDef | undefined {
    return this.#nodes.get(name);
  }

  nodes(): Iterable<NodeDef> {
    return this.#nodes.values();
  }

  /** Nodes of an operation that takes values from outside. */
  placeholders(): NodeDef[] {
    return [...this.#nodes.values()].filter((node) => node.op === 'Placeholder');
  }

  /** Names of the nodes whose values nobody takes: what a graph without a signature most likely computes. */
  sinks(): string[] {
    const used = new Set([...this.#nodes.values()].flatMap((node) => dataInputs(node).map((input) => input.node)));
    const isOutput = (node: NodeDef): boolean => !used.has(node.name) && !NO_OUTPUT_OPS.has(node.op);
    return [...this.#nodes.values()].filter(isOutput).map((node) => node.name);
  }

  /** Nodes that the named ones depend on (control inputs aside), these included; in no order. */
  reachable(names: readonly string[]): NodeDef[] {
    const found = new Set<string>();
    const nodes: NodeDef[] = [];
    const open = [...names];
    while (open.length > 0) {
      const name = open.pop() as string;
      if (found.has(name)) continue;
      found.add(name);
      const node = this.#require(name, undefined);
      nodes.push(node);
      for (const input of dataInputs(node)) {
        this.#require(input.node, node);
        open.push(input.node);
      }
    }
    return nodes;
  }

  /**
   * The nodes that the named ones depend on, each after its inputs. Without recursion: chains of 10^5 nodes are legal.
   * Throws ImportError `invalid` for a cycle, naming a node on it.
   */
  order(names: readonly string[]): NodeDef[] {
    const state = new Map<string, 'open' | 'done'>();
    const ordered: NodeDef[] = [];
    const frameOf = (node: NodeDef): OrderFrame => ({ node, inputs: dataInputs(node), next: 0 });
    const stack = names.toReversed().map((name) => frameOf(this.#require(name, undefined)));
    while (stack.length > 0) {
      const frame = stack.at(-1) as OrderFrame;
      const name = frame.node.name;
      if (frame.next === 0 && state.get(name) === 'done') {
        stack.pop();
        continue;
      }
      state.set(name, 'open');
      const input = frame.inputs[frame.next++];
      if (input === undefined) {
        state.set(name, 'done');
        ordered.push(frame.node);
        stack.pop();
        continue;
      }
      const known = state.get(input.node);
      if (known === 'open') throw new ImportError('invalid', `node '${input.node}' is part of a cycle`);
      if (known === undefined) stack.push(frameOf(this.#require(input.node, frame.node)));
    }
    return ordered;
  }

  #require(name: string, consumer: NodeDef | undefined): NodeDef {
    const node = this.#nodes.get(name);
    if (node !== undefined) return node;
    const where = consumer === undefined ? '' : `, an input of node '${consumer.name}' (${consumer.op}),`;
    throw new ImportError('invalid', `node '${name}'${where} does not exist`);
  }
}

/** Operations that stand at the end of a graph without being its result. */
const NO_OUTPUT_OPS: ReadonlySet<string> = new Set([
  'NoOp',
  'Assert',
  'Const',
  'Placeholder',
  'SaveV2',
  'RestoreV2',
  'Print',
]);
