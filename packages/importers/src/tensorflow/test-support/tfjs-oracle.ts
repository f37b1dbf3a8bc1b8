import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { GraphModel } from '@tensorflow/tfjs-converter';
import type { DataType } from '../data-type.ts';
import type { AttrValue, GraphDef, NodeDef } from '../graph-def.ts';
import { type TestTensor, valuesOf } from './tensors.ts';

// Without this it advertises itself on the terminal.
tf.enableProdMode();

/**
 * TensorFlow.js's graph executor in plain JavaScript as an independent reading of the same graph. It has three types: every real is
 * float32 to it and every integer int32.
 */
export interface OracleResult {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Operations that TensorFlow.js runs only asynchronously. */
const DYNAMIC_OPS: ReadonlySet<string> = new Set(['Where', 'Switch', 'Merge']);

/** The type TensorFlow.js uses for a TensorFlow type. */
export function oracleType(type: DataType): 'float32' | 'int32' | 'bool' {
  if (type === 'DT_BOOL') return 'bool';
  return type.includes('INT') ? 'int32' : 'float32';
}

/** Runs `graph` and returns the named outputs, in their order. */
export async function runOracle(
  graph: GraphDef,
  feeds: ReadonlyMap<string, TestTensor>,
  outputs: readonly string[],
): Promise<OracleResult[]> {
  const constants = graph.nodes.filter((node) => node.op === 'Const');
  const model = new GraphModel({
    load: async () => ({
      modelTopology: { node: graph.nodes.map(nodeJson), versions: { producer: 134 } },
      weightSpecs: constants.map((node) => {
        const { dataType, dims } = constantIn(node);
        return { name: node.name, shape: [...dims], dtype: oracleType(dataType) };
      }),
      weightData: weightData(constants),
    }),
  });
  await model.load();
  const inputs = Object.fromEntries(
    [...feeds].map(([name, value]) => [name, tf.tensor([...value.values], [...value.shape], oracleType(value.type))]),
  );
  const isDynamic = graph.nodes.some((node) => DYNAMIC_OPS.has(node.op));
  const results = isDynamic ? await model.executeAsync(inputs, [...outputs]) : model.execute(inputs, [...outputs]);
  const list = Array.isArray(results) ? results : [results];
  return Promise.all(
    list.map(async (result) => ({
      dtype: result.dtype,
      shape: result.shape,
      values: Array.from(await result.data()),
    })),
  );
}

function constantIn(node: NodeDef): { dataType: DataType; dims: readonly number[]; bytes: Uint8Array } {
  const value = node.attributes.get('value');
  if (value?.kind !== 'tensor' || value.value.content.kind !== 'raw')
    throw new Error(`'${node.name}' has no number in it`);
  return { dataType: value.value.dataType, dims: value.value.dims, bytes: value.value.content.bytes };
}

function weightData(constants: readonly NodeDef[]): ArrayBuffer {
  const parts = constants.map((node) => {
    const { dataType, bytes } = constantIn(node);
    const values = valuesOf(dataType, bytes);
    const type = oracleType(dataType);
    if (type === 'bool') return new Uint8Array(values);
    const array = type === 'int32' ? new Int32Array(values) : new Float32Array(values);
    return new Uint8Array(array.buffer);
  });
  const all = Buffer.concat(parts);
  return all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
}

/** A node as TensorFlow.js's graph-model JSON, which is GraphDef's JSON form. */
function nodeJson(node: NodeDef): object {
  const attributes = [...node.attributes]
    .filter(([, value]) => value.kind !== 'tensor')
    .map(([name, value]) => [name, attributeJson(value)] as const);
  const rank = node.op.endsWith('3D') ? 5 : 4;
  // An attribute with its default may be left out of a file, but TensorFlow.js wants this one.
  if (/Conv/.test(node.op) && !node.attributes.has('dilations')) {
    attributes.push(['dilations', { list: { i: new Array(rank).fill('1') } }]);
  }
  const dtype = node.op === 'Const' ? [['dtype', { type: constantIn(node).dataType }] as const] : [];
  return { name: node.name, op: node.op, input: node.inputs, attr: Object.fromEntries([...attributes, ...dtype]) };
}

function attributeJson(attribute: AttrValue): object {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const shape = (dims: readonly number[] | undefined): object =>
    dims === undefined ? { unknownRank: true } : { dim: dims.map((size) => ({ size: String(size) })) };
  switch (attribute.kind) {
    case 'string':
      return { s: base64(attribute.value) };
    case 'int':
      return { i: String(attribute.value) };
    case 'float':
      return { f: attribute.value };
    case 'bool':
      return { b: attribute.value };
    case 'type':
      return { type: attribute.value };
    case 'shape':
      return { shape: shape(attribute.value) };
    case 'list':
      return {
        list: {
          ...(attribute.value.ints.length > 0 ? { i: attribute.value.ints.map(String) } : {}),
          ...(attribute.value.strings.length > 0 ? { s: attribute.value.strings.map(base64) } : {}),
          ...(attribute.value.floats.length > 0 ? { f: attribute.value.floats } : {}),
        },
      };
    default:
      throw new Error(`attributes of kind ${attribute.kind} are not written as JSON`);
  }
}
