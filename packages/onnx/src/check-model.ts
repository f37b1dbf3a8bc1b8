import { rawByteLength } from './element-type.ts';
import type { Attribute, ConstantTensor, Graph, Model, Node } from './model.ts';
import { OnnxError } from './onnx-error.ts';
import { elementCount } from './shape.ts';

const MAX_PRINTED_PROBLEMS = 20;

/**
 * What is structurally wrong with a model, in words; empty when nothing is: values defined once and before their use, no dangling
 * inputs or outputs, constants as large as their shapes say, every operator's domain imported. What each operator accepts is checked by
 * whoever runs it.
 */
export function findProblems(model: Model): string[] {
  const checker = new Checker(
    model.opsetImports,
    model.functions.map((definition) => definition.domain),
  );
  checker.graph(model.graph, new Set(), 'graph');
  for (const input of [...model.graph.inputs, ...model.graph.outputs]) {
    if (input.type === undefined) checker.problems.push(`graph: '${input.name}' has no type`);
  }
  return checker.problems;
}

/** Throws OnnxError `invalid` with every problem of `findProblems` (the first twenty of them). */
export function checkModel(model: Model): void {
  const problems = findProblems(model);
  if (problems.length === 0) return;
  const rest = problems.length - MAX_PRINTED_PROBLEMS;
  const printed = problems.slice(0, MAX_PRINTED_PROBLEMS).concat(rest > 0 ? [`and ${rest} more`] : []);
  throw new OnnxError('invalid', `check ONNX model: ${printed.join('; ')}`);
}

class Checker {
  readonly problems: string[] = [];
  readonly #domains: ReadonlySet<string>;

  constructor(opsetImports: ReadonlyMap<string, number>, functionDomains: readonly string[]) {
    this.#domains = new Set([...opsetImports.keys(), ...functionDomains]);
  }

  /** @param outer names a graph inside an attribute may use */
  graph(graph: Graph, outer: ReadonlySet<string>, path: string): void {
    const defined = new Set<string>();
    const define = (name: string, what: string): void => {
      if (name === '') return;
      if (defined.has(name)) this.problems.push(`${path}: ${what} '${name}' is defined twice`);
      defined.add(name);
    };
    for (const input of graph.inputs) define(input.name, 'input');
    const inputs = new Set(defined);
    for (const tensor of [...graph.initializers, ...graph.sparseInitializers.map((sparse) => sparse.values)]) {
      // An initializer may be the default of an input of the same name.
      if (!inputs.delete(tensor.name)) define(tensor.name, 'initializer');
      if (tensor.name === '') this.problems.push(`${path}: an initializer has no name`);
      this.#tensor(tensor, path);
    }
    const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
    for (const [index, node] of graph.nodes.entries()) {
      this.#node(node, { defined, outer, produced }, `${path}: node ${index} (${node.opType} '${node.name}')`);
      for (const output of node.outputs) define(output, 'value');
    }
    for (const output of graph.outputs) {
      if (!defined.has(output.name) && !outer.has(output.name)) {
        this.problems.push(`${path}: output '${output.name}' is not produced by any node`);
      }
    }
  }

  #node(
    node: Node,
    scope: { defined: ReadonlySet<string>; outer: ReadonlySet<string>; produced: ReadonlySet<string> },
    path: string,
  ): void {
    if (node.opType === '') this.problems.push(`${path}: no operator`);
    if (!this.#domains.has(node.domain)) this.problems.push(`${path}: operator set '${node.domain}' is not imported`);
    for (const input of node.inputs) {
      if (input === '' || scope.defined.has(input) || scope.outer.has(input)) continue;
      const reason = scope.produced.has(input) ? 'is used before it is produced' : 'does not exist';
      this.problems.push(`${path}: input '${input}' ${reason}`);
    }
    const visible = node.attributes.size === 0 ? scope.defined : new Set([...scope.outer, ...scope.defined]);
    for (const [name, attribute] of node.attributes) this.#attribute(attribute, visible, `${path}.${name}`);
  }

  #attribute(attribute: Attribute, visible: ReadonlySet<string>, path: string): void {
    if (attribute.kind === 'graph') this.graph(attribute.value, visible, path);
    else if (attribute.kind === 'graphs') {
      for (const [index, graph] of attribute.value.entries()) this.graph(graph, visible, `${path}[${index}]`);
    } else if (attribute.kind === 'tensor') this.#tensor(attribute.value, path);
    else if (attribute.kind === 'tensors') {
      for (const tensor of attribute.value) this.#tensor(tensor, path);
    }
  }

  #tensor(tensor: ConstantTensor, path: string): void {
    try {
      const count = elementCount(tensor.dims);
      const content = tensor.content;
      if (content.kind === 'external') return;
      const stored = content.kind === 'raw' ? content.bytes.length : content.values.length;
      const expected = content.kind === 'raw' ? rawByteLength(tensor.elementType, count) : count;
      if (stored === expected) return;
      const unit = content.kind === 'raw' ? 'bytes' : 'strings';
      this.problems.push(
        `${path}: constant '${tensor.name}' has ${stored} ${unit}, its shape [${tensor.dims}] needs ${expected}`,
      );
    } catch (error) {
      if (!(error instanceof OnnxError)) throw error;
      this.problems.push(`${path}: constant '${tensor.name}': ${error.message}`);
    }
  }
}
