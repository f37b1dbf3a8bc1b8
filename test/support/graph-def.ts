import { type AttrValue, encodeGraphDef, type GraphDef, type NodeDef } from '@nereid/importers';

/**
 * A frozen TensorFlow graph that tells bright pictures from dark ones: input (N, 4, 4, 3) FP32 from 0 to 1 -> the mean of each channel ->
 * scores (N, 2) of "dark" and "bright", which meet where the three means sum to 1.5.
 */
export function brightnessClassifier(): Uint8Array {
  const graph: GraphDef = {
    nodes: [
      node('input', 'Placeholder', [], { dtype: floatType, shape: { kind: 'shape', value: [-1, 4, 4, 3] } }),
      constant('axes', 'DT_INT32', [2], new Int32Array([1, 2])),
      node('mean', 'Mean', ['input', 'axes'], {
        T: floatType,
        Tidx: { kind: 'type', value: 'DT_INT32' },
        keep_dims: no,
      }),
      constant('weights', 'DT_FLOAT', [3, 2], new Float32Array([-4, 4, -4, 4, -4, 4])),
      node('product', 'MatMul', ['mean', 'weights'], { T: floatType, transpose_a: no, transpose_b: no }),
      constant('bias', 'DT_FLOAT', [2], new Float32Array([6, -6])),
      node('logits', 'BiasAdd', ['product', 'bias'], { T: floatType }),
      node('scores/Softmax', 'Softmax', ['logits'], { T: floatType }),
    ],
    functionNames: [],
    producerVersion: 26,
    minConsumerVersion: 0,
  };
  return encodeGraphDef(graph);
}

const floatType: AttrValue = { kind: 'type', value: 'DT_FLOAT' };
const no: AttrValue = { kind: 'bool', value: false };

function node(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttrValue>>,
): NodeDef {
  return { name, op, inputs, device: '', attributes: new Map(Object.entries(attributes)) };
}

function constant(
  name: string,
  dataType: 'DT_INT32' | 'DT_FLOAT',
  dims: readonly number[],
  values: Int32Array | Float32Array,
): NodeDef {
  const bytes = new Uint8Array(values.buffer);
  return node(name, 'Const', [], {
    dtype: { kind: 'type', value: dataType },
    value: { kind: 'tensor', value: { dataType, dims, content: { kind: 'raw', bytes } } },
  });
}
