import { type AttrValue, type DataType, encodeGraphDef, type NodeDef, type Shape } from '@nereid/importers';

const SAME_TYPE: AttrValue = { kind: 'type', value: 'DT_FLOAT' };

export function node(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Record<string, AttrValue> = {},
): NodeDef {
  return { name, op, inputs, device: '', attributes: new Map(Object.entries({ T: SAME_TYPE, ...attributes })) };
}

export function placeholder(name: string, shape: Shape, type: DataType = 'DT_FLOAT'): NodeDef {
  return node(name, 'Placeholder', [], {
    dtype: { kind: 'type', value: type },
    shape: { kind: 'shape', value: shape },
  });
}

export function floatConstant(name: string, dims: readonly number[], values: ArrayLike<number>): NodeDef {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return node(name, 'Const', [], {
    dtype: SAME_TYPE,
    value: { kind: 'tensor', value: { dataType: 'DT_FLOAT', dims, content: { kind: 'raw', bytes } } },
  });
}

export function graphFile(...nodes: NodeDef[]): Uint8Array {
  return encodeGraphDef({ nodes, functionNames: [], producerVersion: 134, minConsumerVersion: 0 });
}

/** y (N, 2) = x (N, 3) · w + b, z = relu(y); a graph that says what a shape is unless `shape` says otherwise. */
export function dense(shape: Shape = [-1, 3]): Uint8Array {
  return graphFile(
    placeholder('x', shape),
    floatConstant('w', [3, 2], [1, 2, 3, 4, 5, 6]),
    floatConstant('b', [2], [0.5, -100]),
    node('m', 'MatMul', ['x', 'w']),
    node('y', 'BiasAdd', ['m', 'b']),
    node('scope/z', 'Relu', ['y']),
  );
}

/** y (N, 2) = x (N, 3) · w, with a constant of `count` floats added up into it, so that the file has a size. */
export function large(count: number): Uint8Array {
  return graphFile(
    placeholder('x', [-1, 3]),
    floatConstant('w', [3, 2], [1, 2, 3, 4, 5, 6]),
    floatConstant(
      'weights',
      [count],
      Float32Array.from({ length: count }, (_, index) => (index % 7) - 3),
    ),
    node('axis', 'Const', [], {
      dtype: { kind: 'type', value: 'DT_INT32' },
      value: {
        kind: 'tensor',
        value: { dataType: 'DT_INT32', dims: [1], content: { kind: 'raw', bytes: new Uint8Array(4) } },
      },
    }),
    // Depends on the input, so that it cannot be worked out when the model is loaded.
    node('m', 'MatMul', ['x', 'w']),
    node('first', 'Mean', ['m', 'axis'], { keep_dims: { kind: 'bool', value: false } }),
    node('one', 'Mean', ['first', 'axis'], { keep_dims: { kind: 'bool', value: false } }),
    node('scaled', 'Mul', ['weights', 'one']),
    node('sum', 'Sum', ['scaled', 'axis'], { keep_dims: { kind: 'bool', value: false } }),
    node('y', 'AddV2', ['m', 'sum']),
  );
}
