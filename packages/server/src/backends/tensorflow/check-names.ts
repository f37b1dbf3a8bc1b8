import type { GraphDef } from '@nereid/importers';
import { StatusError } from '@nereid/protocol';
import { ProblemList } from '../problem-list.ts';
import type { Bindings } from './bindings.ts';

/**
 * Checks that a graph has the nodes that a configuration names: any placeholder may be an input, any other node an output. `name:0` is accepted
 * for `name`.
 * @throws StatusError with Triton's texts
 */
export function checkNames(modelName: string, graph: GraphDef, bindings: Bindings): void {
  const inputs = new Set<string>();
  const outputs = new Set<string>();
  for (const node of graph.nodes) (node.op === 'Placeholder' ? inputs : outputs).add(node.name);
  const defaults = new Set(graph.nodes.filter((node) => node.op === 'PlaceholderWithDefault').map((node) => node.name));
  const expected = bindings.inputs.filter(({ name }) => !bindings.controls.includes(name));
  if (inputs.size + defaults.size < expected.length) {
    throw new StatusError(
      'INVALID_ARG',
      `unable to load model '${modelName}', configuration expects ${expected.length} inputs, model provides at most ${inputs.size}`,
    );
  }
  const has = (names: ReadonlySet<string>, name: string): boolean =>
    names.has(name) || names.has(name.replace(/:\d+$/, ''));
  for (const name of bindings.controls) {
    if (has(inputs, name)) continue;
    throw new StatusError(
      'INTERNAL',
      `configuration specified sequence control '${name}', but model does not provide that input`,
    );
  }
  const problems = new ProblemList();
  for (const { name } of expected) {
    problems.collect(() => {
      if (!has(inputs, name) && !has(defaults, name)) throw unexpected('input', name, inputs);
    });
  }
  for (const name of bindings.outputs) {
    problems.collect(() => {
      if (!has(outputs, name)) throw unexpected('output', name, outputs);
    });
  }
  problems.throwFirst();
}

function unexpected(kind: 'input' | 'output', name: string, allowed: ReadonlySet<string>): StatusError {
  const sorted = [...allowed].sort((a, b) => (a < b ? -1 : 1));
  return new StatusError(
    'INVALID_ARG',
    `unexpected inference ${kind} '${name}', allowed ${kind}s are: ${sorted.join(', ')}`,
  );
}
