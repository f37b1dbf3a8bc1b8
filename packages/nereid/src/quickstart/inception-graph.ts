import type { AttrValue, NodeDef, TensorConstant } from '@nereid/importers';
import { type KerasLayer, list, member, number, text } from './inception-package.ts';

/** Weights by the name they have in the package, e.g. `conv2d_1/kernel`. */
export type Weights = ReadonlyMap<string, TensorConstant>;

/** ImageNet's mean and standard deviation per channel, of pixels from 0 to 1. */
const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_STD = [0.229, 0.224, 0.225];

const INPUT_NODE = 'input';
const OUTPUT_NODE = 'InceptionV3/Predictions/Softmax';
const SCOPE = 'InceptionV3';
const ACTIVATIONS: Readonly<Record<string, string>> = { relu: 'Relu', softmax: 'Softmax' };

/**
 * A Keras classifier as the nodes of a frozen TensorFlow graph, input (N, H, W, 3) named `input`, output (N, classes) named
 * `InceptionV3/Predictions/Softmax`. Layers: Conv2D, BatchNormalization, Activation, MaxPooling2D, AveragePooling2D, Concatenate, Flatten
 * before Dense, Dropout; an Error names any other.
 *
 * These weights were trained on pixels from 0 to 1. The article's pipeline subtracts ImageNet's mean and divides by its standard deviation, so
 * that the graph begins by taking this back: x * std + mean. The pipeline keeps the article's numbers, and the class is right.
 */
export function buildGraph(layers: readonly KerasLayer[], outputLayer: string, weights: Weights): readonly NodeDef[] {
  const graph = new KerasGraph(weights);
  for (const layer of layers) graph.add(layer);
  return graph.finish(outputLayer);
}

class KerasGraph {
  readonly #weights: Weights;
  readonly #nodes: NodeDef[] = [];
  /** Name of the node that holds a layer's result. */
  readonly #results = new Map<string, string>();
  /** Nodes whose result a Flatten layer wants as (N, elements); the layer after it knows how many. */
  readonly #toFlatten = new Set<string>();

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  add(layer: KerasLayer): void {
    const inputs = layer.inputs.map((name) => {
      const result = this.#results.get(name);
      if (result === undefined) throw new Error(`layer '${layer.name}' comes before its input '${name}'`);
      return result;
    });
    this.#results.set(layer.name, this.#convert(layer, inputs));
  }

  /** The nodes, the last one under the name that the article's client asks for. */
  finish(outputLayer: string): readonly NodeDef[] {
    const last = this.#nodes.at(-1);
    if (last?.op !== 'Softmax' || this.#results.get(outputLayer) !== last.name) {
      throw new Error(`layer '${outputLayer}' is not the last one, or not a softmax`);
    }
    return [...this.#nodes.slice(0, -1), { ...last, name: OUTPUT_NODE }];
  }

  #convert(layer: KerasLayer, inputs: readonly string[]): string {
    const [input = ''] = inputs;
    switch (layer.className) {
      case 'InputLayer':
        return this.#input(layer);
      case 'Conv2D':
        return this.#convolution(layer, input);
      case 'BatchNormalization':
        return this.#batchNormalization(layer, input);
      case 'Activation':
        return this.#activated(layer, input);
      case 'MaxPooling2D':
        return this.#pool(layer, input, 'MaxPool');
      case 'AveragePooling2D':
        return this.#pool(layer, input, 'AvgPool');
      case 'Concatenate':
        return this.#concatenation(layer, inputs);
      case 'Flatten':
        this.#toFlatten.add(input);
        return input;
      case 'Dense':
        return this.#dense(layer, input);
      case 'Dropout':
        return input;
      default:
        throw new Error(`layer '${layer.name}': ${layer.className} is not supported`);
    }
  }

  #input(layer: KerasLayer): string {
    const shape = list(member(layer.config, 'batch_input_shape')).map((size) => (size === null ? -1 : number(size)));
    this.#nodes.push({
      name: INPUT_NODE,
      op: 'Placeholder',
      inputs: [],
      device: '',
      attributes: new Map<string, AttrValue>([
        ['dtype', FLOAT],
        ['shape', { kind: 'shape', value: shape }],
      ]),
    });
    const std = this.#constant('preprocess/std', floatTensor([3], IMAGENET_STD));
    const mean = this.#constant('preprocess/mean', floatTensor([3], IMAGENET_MEAN));
    return this.#node(
      'preprocess/add',
      'AddV2',
      [this.#node('preprocess/mul', 'Mul', [INPUT_NODE, std], {}), mean],
      {},
    );
  }

  #convolution(layer: KerasLayer, input: string): string {
    const result = this.#node(`${layer.name}/Conv2D`, 'Conv2D', [input, this.#weight(layer, 'kernel')], {
      strides: ints([1, ...pair(layer, 'strides'), 1]),
      dilations: ints([1, ...pair(layer, 'dilation_rate'), 1]),
      padding: padding(layer),
      data_format: string('NHWC'),
    });
    return this.#activated(layer, this.#withBias(layer, result));
  }

  #batchNormalization(layer: KerasLayer, input: string): string {
    const channels = this.#find(layer, 'moving_mean').dims;
    const filled = (name: string, isStored: unknown, value: number): string =>
      isStored === true
        ? this.#weight(layer, name)
        : this.#constant(
            `${layer.name}/${name}`,
            floatTensor(channels, new Array<number>(channels[0] ?? 0).fill(value)),
          );
    const gamma = filled('gamma', member(layer.config, 'scale'), 1);
    const beta = filled('beta', member(layer.config, 'center'), 0);
    const statistics = [this.#weight(layer, 'moving_mean'), this.#weight(layer, 'moving_variance')];
    return this.#node(`${layer.name}/FusedBatchNormV3`, 'FusedBatchNormV3', [input, gamma, beta, ...statistics], {
      U: FLOAT,
      epsilon: { kind: 'float', value: number(member(layer.config, 'epsilon')) },
      data_format: string('NHWC'),
      is_training: { kind: 'bool', value: false },
    });
  }

  #activated(layer: KerasLayer, input: string): string {
    const activation = text(member(layer.config, 'activation'));
    if (activation === 'linear') return input;
    const op = ACTIVATIONS[activation];
    if (op === undefined) throw new Error(`layer '${layer.name}': activation ${activation} is not supported`);
    return this.#node(`${layer.name}/${op}`, op, [input], {});
  }

  #pool(layer: KerasLayer, input: string, op: 'MaxPool' | 'AvgPool'): string {
    return this.#node(`${layer.name}/${op}`, op, [input], {
      ksize: ints([1, ...pair(layer, 'pool_size'), 1]),
      strides: ints([1, ...pair(layer, 'strides'), 1]),
      padding: padding(layer),
      data_format: string('NHWC'),
    });
  }

  #concatenation(layer: KerasLayer, inputs: readonly string[]): string {
    const axis = this.#constant(`${layer.name}/axis`, int32Tensor([], [number(member(layer.config, 'axis'))]));
    const attributes = { N: int(inputs.length), Tidx: INT32 };
    return this.#node(`${layer.name}/concat`, 'ConcatV2', [...inputs, axis], attributes);
  }

  #dense(layer: KerasLayer, input: string): string {
    const [rows] = this.#find(layer, 'kernel').dims as [number];
    let x = input;
    if (this.#toFlatten.has(input)) {
      const shape = this.#constant(`${layer.name}/shape`, int32Tensor([2], [-1, rows]));
      x = this.#node(`${layer.name}/Reshape`, 'Reshape', [input, shape], { Tshape: INT32 });
    }
    const flag = { kind: 'bool', value: false } as const;
    const attributes = { transpose_a: flag, transpose_b: flag };
    const product = this.#node(`${layer.name}/MatMul`, 'MatMul', [x, this.#weight(layer, 'kernel')], attributes);
    return this.#activated(layer, this.#withBias(layer, product));
  }

  #withBias(layer: KerasLayer, input: string): string {
    if (member(layer.config, 'use_bias') !== true) return input;
    const attributes = { data_format: string('NHWC') };
    return this.#node(`${layer.name}/BiasAdd`, 'BiasAdd', [input, this.#weight(layer, 'bias')], attributes);
  }

  #find(layer: KerasLayer, name: string): TensorConstant {
    const weight = this.#weights.get(`${layer.name}/${name}`);
    if (weight === undefined) throw new Error(`layer '${layer.name}' has no weight '${name}'`);
    return weight;
  }

  #weight(layer: KerasLayer, name: string): string {
    return this.#constant(`${layer.name}/${name}`, this.#find(layer, name));
  }

  #constant(name: string, tensor: TensorConstant): string {
    const attributes = new Map<string, AttrValue>([
      ['dtype', { kind: 'type', value: tensor.dataType }],
      ['value', { kind: 'tensor', value: tensor }],
    ]);
    this.#nodes.push({ name: `${SCOPE}/${name}`, op: 'Const', inputs: [], device: '', attributes });
    return `${SCOPE}/${name}`;
  }

  #node(name: string, op: string, inputs: readonly string[], attributes: Readonly<Record<string, AttrValue>>): string {
    const all = new Map<string, AttrValue>([['T', FLOAT], ...Object.entries(attributes)]);
    this.#nodes.push({ name: `${SCOPE}/${name}`, op, inputs, device: '', attributes: all });
    return `${SCOPE}/${name}`;
  }
}

const FLOAT: AttrValue = { kind: 'type', value: 'DT_FLOAT' };
const INT32: AttrValue = { kind: 'type', value: 'DT_INT32' };

function int(value: number): AttrValue {
  return { kind: 'int', value: BigInt(value) };
}

function ints(values: readonly number[]): AttrValue {
  const empty = { strings: [], floats: [], bools: [], types: [], shapes: [] };
  return { kind: 'list', value: { ...empty, ints: values.map(BigInt) } };
}

function string(value: string): AttrValue {
  return { kind: 'string', value: Buffer.from(value) };
}

function padding(layer: KerasLayer): AttrValue {
  return string(text(member(layer.config, 'padding')).toUpperCase());
}

/** A setting that is given for height and width. */
function pair(layer: KerasLayer, name: string): readonly number[] {
  return list(member(layer.config, name)).map(number);
}

function floatTensor(dims: readonly number[], values: readonly number[]): TensorConstant {
  return {
    dataType: 'DT_FLOAT',
    dims,
    content: { kind: 'raw', bytes: new Uint8Array(new Float32Array(values).buffer) },
  };
}

function int32Tensor(dims: readonly number[], values: readonly number[]): TensorConstant {
  return { dataType: 'DT_INT32', dims, content: { kind: 'raw', bytes: new Uint8Array(new Int32Array(values).buffer) } };
}
