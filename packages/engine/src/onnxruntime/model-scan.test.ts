import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findExternalTensors, MalformedModelError } from './model-scan.ts';
import {
  addSubModel,
  externalTensor,
  field,
  graph,
  message,
  model,
  node,
  TYPE,
  tensor,
} from './test-support/onnx-bytes.ts';

const weight = (location: string): Buffer =>
  externalTensor('W', TYPE.FLOAT, [4], { location, offset: '16', length: '4' });
const found = (location: string) => [{ tensor: 'W', location, offset: 16, length: 4 }];
const emptyGraph = { nodes: [], inputs: [], outputs: [] };

describe('findExternalTensors', () => {
  it('finds nothing in a model that holds its weights', () => {
    assert.deepEqual(findExternalTensors(addSubModel()), []);
    const inside = tensor('W', TYPE.FLOAT, [4], new Uint8Array(16));
    assert.deepEqual(findExternalTensors(model({ ...emptyGraph, initializers: [inside] })), []);
  });

  it('finds initialisers', () => {
    assert.deepEqual(findExternalTensors(model({ ...emptyGraph, initializers: [weight('w.bin')] })), found('w.bin'));
  });

  it('finds values and indices of sparse initialisers', () => {
    const sparse = message(field(1, weight('values.bin')), field(2, weight('indices.bin')), field(3, 4));
    const external = findExternalTensors(model({ ...emptyGraph, sparseInitializers: [sparse] }));
    assert.deepEqual(
      external.map(({ location }) => location),
      ['values.bin', 'indices.bin'],
    );
  });

  it('finds tensors in attributes, in subgraphs, in functions and in training graphs', () => {
    const attribute = (number: number, contents: Uint8Array): Buffer => message(field(1, 'a'), field(number, contents));
    const inner = graph({ ...emptyGraph, initializers: [weight('inner.bin')] });
    const nodes = [
      node('Constant', [], ['A'], [attribute(5, weight('value.bin'))]),
      node('If', ['A'], ['B'], [attribute(6, inner)]),
      node('Op', ['A'], ['C'], [attribute(10, weight('list.bin'))]),
      node('Constant', [], ['D'], [attribute(22, message(field(1, weight('sparse.bin'))))]),
    ];
    const body = node('Constant', [], ['E'], [attribute(5, weight('function.bin'))]);
    const bytes = message(
      model({ ...emptyGraph, nodes }),
      field(25, message(field(1, 'F'), field(7, body))),
      field(20, field(1, graph({ ...emptyGraph, initializers: [weight('training.bin')] }))),
    );
    assert.deepEqual(
      findExternalTensors(bytes)
        .map(({ location }) => location)
        .sort(),
      ['function.bin', 'inner.bin', 'list.bin', 'sparse.bin', 'training.bin', 'value.bin'],
    );
  });

  it('counts every location, also one that a later field overrides', () => {
    const entry = message(field(1, 'location'), field(2, '/etc/passwd'), field(2, 'w.bin'));
    const twice = message(field(8, 'W'), field(13, entry), field(13, message(field(1, 'location'), field(2, 'v.bin'))));
    assert.deepEqual(
      findExternalTensors(model({ ...emptyGraph, initializers: [twice] })).map(({ location }) => location),
      ['/etc/passwd', 'w.bin', 'v.bin'],
    );
  });

  it('refuses sizes that are no numbers by making them NaN', () => {
    const lying = externalTensor('W', TYPE.FLOAT, [4], { location: 'w.bin', offset: '-8', length: '1e400' });
    assert.deepEqual(findExternalTensors(model({ ...emptyGraph, initializers: [lying] })), [
      { tensor: 'W', location: 'w.bin', offset: Number.NaN, length: Number.NaN },
    ]);
  });

  it('refuses graphs nested without end', () => {
    let inner = graph(emptyGraph);
    for (let depth = 0; depth < 60; depth++) {
      inner = graph({
        ...emptyGraph,
        nodes: [node('If', ['X'], ['Y'], [message(field(1, 'then_branch'), field(6, inner))])],
      });
    }
    assert.throws(() => findExternalTensors(field(7, inner)), MalformedModelError);
  });

  it('throws nothing but MalformedModelError, whatever the bytes', () => {
    const seed = model({ ...emptyGraph, initializers: [weight('w.bin')] });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(seed.byteLength - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(seed.byteLength),
        (edits, length) => {
          const bytes = Uint8Array.from(seed);
          for (const [position, value] of edits) bytes[position] = value;
          try {
            findExternalTensors(bytes.subarray(0, length));
          } catch (error) {
            assert.ok(error instanceof MalformedModelError);
          }
        },
      ),
    );
  });
});
