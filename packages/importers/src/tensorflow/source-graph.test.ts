import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NodeDef } from './graph-def.ts';
import { parseReference, SourceGraph } from './source-graph.ts';

function node(name: string, inputs: readonly string[], op = 'AddN'): NodeDef {
  return { name, op, inputs, device: '', attributes: new Map() };
}

test('references name a node, an output or a control dependency', () => {
  assert.deepEqual(parseReference('a/b'), { node: 'a/b', output: 0, control: false });
  assert.deepEqual(parseReference('a/b:3'), { node: 'a/b', output: 3, control: false });
  assert.deepEqual(parseReference('^a/b'), { node: 'a/b', output: 0, control: true });
  assert.deepEqual(parseReference('a:b'), { node: 'a:b', output: 0, control: false });
});

test('every node comes after its inputs, and only what is needed comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 }),
      fc.nat(),
      (lists, pick) => {
        // Node i takes values of earlier nodes only, so that there is no cycle.
        const nodes = lists.map((list, index) =>
          node(`n${index}`, index === 0 ? [] : list.map((each) => `n${each % index}`)),
        );
        const graph = new SourceGraph(nodes.toReversed());
        const target = `n${pick % nodes.length}`;
        const order = graph.order([target]);
        const position = new Map(order.map((each, index) => [each.name, index]));
        for (const each of order) {
          for (const input of each.inputs)
            assert.ok((position.get(input) as number) < (position.get(each.name) as number));
        }
        assert.deepEqual(new Set(position.keys()), new Set(graph.reachable([target]).map((each) => each.name)));
        assert.equal(order.at(-1)?.name, target);
      },
    ),
  );
});

test('a chain of a hundred thousand nodes is ordered', () => {
  const nodes = Array.from({ length: 100_000 }, (_, index) => node(`n${index}`, index === 0 ? [] : [`n${index - 1}`]));
  assert.equal(new SourceGraph(nodes).order(['n99999']).length, 100_000);
});

test('cycles, doubles and dangling inputs are refused by name', () => {
  const cycle = new SourceGraph([node('a', ['b']), node('b', ['c']), node('c', ['a'])]);
  assert.throws(() => cycle.order(['a']), { code: 'invalid', message: "node 'a' is part of a cycle" });
  assert.throws(() => new SourceGraph([node('a', ['a'])]).order(['a']), { message: "node 'a' is part of a cycle" });
  assert.throws(() => new SourceGraph([node('a', []), node('a', [])]), { message: "two nodes are named 'a'" });
  assert.throws(() => new SourceGraph([node('a', ['x:1'])]).order(['a']), {
    message: "node 'x', an input of node 'a' (AddN), does not exist",
  });
  assert.throws(() => SourceGraph.of({ nodes: [], functionNames: [], producerVersion: 0, minConsumerVersion: 0 }), {
    message: 'the graph has no nodes',
  });
});

test('what nobody takes is an output', () => {
  const graph = new SourceGraph([
    node('x', [], 'Placeholder'),
    node('unused', [], 'Const'),
    node('y', ['x']),
    node('z', ['y']),
    node('done', ['^z'], 'NoOp'),
  ]);
  assert.deepEqual(graph.sinks(), ['z']);
});
