import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeModel as encodeOnnx, GraphBuilder } from '@nereid/onnx';
import { definePipeline, writePipeline } from '@nereid/server/dali';
import { brightnessClassifier } from './graph-def.ts';

/** A JPEG that the `image_ensemble` calls bright, and one it calls dark. */
export const BRIGHT_IMAGE: Uint8Array = readFileSync(new URL('bright.jpg', import.meta.url));
export const DARK_IMAGE: Uint8Array = readFileSync(new URL('dark.jpg', import.meta.url));

/**
 * Writes a model repository whose answers a reader can compute: `add_sub` (ONNX: sum and difference of two INT32 [16]), and `image_ensemble`,
 * which scales a picture to (4, 4, 3) with DALI and tells with a GraphDef whether it is bright.
 */
export function writeTestRepository(directory: string): void {
  writeAddSub(directory);
  writeImageEnsemble(directory);
}

export function writeAddSub(directory: string, name = 'add_sub'): void {
  writeModel(directory, name, { '1/model.onnx': addSubModel(), 'config.pbtxt': addSubConfig(name) });
}

/** Files by their path in the model's folder. */
export function writeModel(
  directory: string,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name, path)), { recursive: true });
    writeFileSync(join(directory, name, path), content);
  }
}

function addSubModel(): Uint8Array {
  const graph = new GraphBuilder();
  for (const input of ['INPUT0', 'INPUT1']) graph.input(input, 'int32', ['batch', 16]);
  graph.node('Add', ['INPUT0', 'INPUT1'], { outputs: ['OUTPUT0'] });
  graph.node('Sub', ['INPUT0', 'INPUT1'], { outputs: ['OUTPUT1'] });
  for (const output of ['OUTPUT0', 'OUTPUT1']) graph.output(output, 'int32', ['batch', 16]);
  return encodeOnnx(graph.build({ producerName: 'nereid-test', producerVersion: '1', graphName: 'add_sub' }));
}

function addSubConfig(name: string): string {
  const tensor = (tensorName: string) => `{ name: "${tensorName}" data_type: TYPE_INT32 dims: [ 16 ] }`;
  return `name: "${name}"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ ${tensor('INPUT0')}, ${tensor('INPUT1')} ]
output [ ${tensor('OUTPUT0')}, ${tensor('OUTPUT1')} ]
`;
}

function writeImageEnsemble(directory: string): void {
  const pipeline = definePipeline({ batchSize: 8, numThreads: 1 }, (fn) => {
    const images = fn.decoders.image(fn.externalSource({ name: 'encoded' }), { device: 'mixed', outputType: 'RGB' });
    const small = fn.resize(images, { device: 'gpu', resizeX: 4, resizeY: 4 });
    return fn.cropMirrorNormalize(small, {
      device: 'gpu',
      dtype: 'FLOAT',
      outputLayout: 'HWC',
      mean: [0, 0, 0],
      std: [255, 255, 255],
    });
  });
  writeModel(directory, 'preprocess', {
    '1/model.dali': writePipeline(pipeline),
    'config.pbtxt': `name: "preprocess"
backend: "dali"
max_batch_size: 8
input [ { name: "encoded" data_type: TYPE_UINT8 dims: [ -1 ] } ]
output [ { name: "image" data_type: TYPE_FP32 dims: [ 4, 4, 3 ] } ]
`,
  });
  writeModel(directory, 'classifier', {
    '1/model.graphdef': brightnessClassifier(),
    'labels.txt': 'dark\nbright\n',
    'config.pbtxt': `name: "classifier"
platform: "tensorflow_graphdef"
max_batch_size: 8
input [ { name: "input" data_type: TYPE_FP32 dims: [ 4, 4, 3 ] } ]
output [ { name: "scores/Softmax" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "labels.txt" } ]
`,
  });
  writeModel(directory, 'image_ensemble', {
    'config.pbtxt': `name: "image_ensemble"
platform: "ensemble"
max_batch_size: 8
input [ { name: "INPUT" data_type: TYPE_UINT8 dims: [ -1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ 2 ] } ]
ensemble_scheduling {
  step [
    {
      model_name: "preprocess"
      model_version: -1
      input_map { key: "encoded" value: "INPUT" }
      output_map { key: "image" value: "small_image" }
    },
    {
      model_name: "classifier"
      model_version: -1
      input_map { key: "input" value: "small_image" }
      output_map { key: "scores/Softmax" value: "OUTPUT" }
    }
  ]
}
`,
  });
  mkdirSync(join(directory, 'image_ensemble', '1'), { recursive: true });
}
