import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeGraphDefChunks, type TensorConstant } from '@nereid/importers';
import { buildGraph, type Weights } from './inception-graph.ts';
import { ModelPackageError, type QuantizedWeight, readKerasModel, readShards } from './inception-package.ts';

/** `versions.producer` of the graph: the version of TensorFlow's graph format, here that of TensorFlow 1.15 and 2.0. */
const PRODUCER_VERSION = 134;
const WEIGHTS_FOLDER = 'dist/models/inception_v3';

export interface InceptionGraphDefOptions {
  /** The unpacked npm package `nsfwjs` (4.4.0). */
  readonly nsfwjsDirectory: string;
  /** Where the frozen graph goes; written beside it first, so that it is complete when it is there. */
  readonly outFile: string;
  /** Told what is being done, in words. */
  readonly onProgress?: (state: string) => void;
}

/**
 * Writes trained Inception V3 weights as a frozen TensorFlow graph, as the article's model is one: input `input` (N, 299, 299, 3) float, output
 * `InceptionV3/Predictions/Softmax` (N, 5). The package stores each weight as a byte (value = byte * scale + min); the graph has them as floats,
 * 90 MB. Its input is what the article's pipeline makes: pixels minus ImageNet's mean, divided by its standard deviation.
 * Throws ModelPackageError when the package is not what it should be.
 */
export async function writeInceptionGraphDef(options: InceptionGraphDefOptions): Promise<void> {
  const report = options.onProgress ?? (() => {});
  const directory = join(options.nsfwjsDirectory, WEIGHTS_FOLDER);
  const model = await readKerasModel(directory);
  const bytes = await readShards(directory, model.shards, (done) =>
    report(`weights ${done} of ${model.shards.length}`),
  );
  const weights = dequantize(directory, model.weights, bytes);
  report('graph');
  const nodes = buildGraph(model.layers, model.outputLayer, weights);
  const graph = { nodes, functionNames: [], producerVersion: PRODUCER_VERSION, minConsumerVersion: 0 };
  report('writing');
  await writeChunks(options.outFile, encodeGraphDefChunks(graph));
}

/** Bytes, one weight after the other, as float tensors. */
function dequantize(directory: string, list: readonly QuantizedWeight[], bytes: Uint8Array): Weights {
  const weights = new Map<string, TensorConstant>();
  let position = 0;
  for (const { name, shape, scale, min } of list) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new Float32Array(count);
    const source = bytes.subarray(position, position + count);
    if (source.length !== count) {
      throw new ModelPackageError(directory, `weight '${name}' needs ${count} bytes, there are ${source.length} left`);
    }
    for (let index = 0; index < count; index++) values[index] = (source[index] as number) * scale + min;
    weights.set(name, {
      dataType: 'DT_FLOAT',
      dims: shape,
      content: { kind: 'raw', bytes: new Uint8Array(values.buffer) },
    });
    position += count;
  }
  if (position !== bytes.length) {
    throw new ModelPackageError(directory, `${bytes.length - position} bytes belong to no weight`);
  }
  return weights;
}

async function writeChunks(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const unfinished = `${path}.incomplete`;
  const file = await open(unfinished, 'w');
  try {
    const { bytesWritten } = await file.writev([...chunks]);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytesWritten !== length) throw new Error(`${unfinished}: ${bytesWritten} of ${length} bytes were written`);
    await file.close();
    await rename(unfinished, path);
  } catch (error) {
    await file.close();
    await rm(unfinished, { force: true });
    throw error;
  }
}
