import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';

/** What the version directory that is looked at (the first subdirectory of the model, by name) holds. */
export type DirectoryListing = ReadonlyMap<string, 'file' | 'directory'>;

/** One backend's rule: fills what it recognises and says whether it took the model. */
type Rule = (config: ModelConfig, files: DirectoryListing) => boolean;

/**
 * Fills `name`, `backend`, `platform` and `default_model_filename` where they can be told from each other or from the files of the version
 * directory. Triton does this always, auto-complete disabled or not; the order of the rules decides.
 * @param files undefined when the model has no subdirectory
 * @throws StatusError INVALID_ARG when nothing is known of the backend
 */
export function autofillBackend(modelName: string, files: DirectoryListing | undefined, config: ModelConfig): void {
  if (config.name === '') config.name = modelName;
  const listing = files ?? new Map();
  for (const rule of [tensorflow, tensorrt, onnxruntime, openvino, pytorch, python]) {
    if (rule(config, listing)) return;
  }
  custom(modelName, config);
}

/** True when only the files can tell. */
function isOpen(config: ModelConfig): boolean {
  return config.backend === '' && config.platform === '' && config.defaultModelFilename === '';
}

function fill(config: ModelConfig, platform: string, file: string): void {
  if (config.platform === '') config.platform = platform;
  if (config.defaultModelFilename === '') config.defaultModelFilename = file;
}

const tensorflow: Rule = (config, files) => {
  if (config.platform === '' && (config.backend === '' || config.backend === 'tensorflow')) {
    const file = config.defaultModelFilename;
    if (file === 'model.savedmodel') config.platform = 'tensorflow_savedmodel';
    else if (file === 'model.graphdef') config.platform = 'tensorflow_graphdef';
    else if (file === '') {
      if (files.get('model.savedmodel') === 'directory') config.platform = 'tensorflow_savedmodel';
      if (files.get('model.graphdef') === 'file') config.platform = 'tensorflow_graphdef';
    }
  }
  if (config.platform !== 'tensorflow_savedmodel' && config.platform !== 'tensorflow_graphdef') return false;
  if (config.backend === '') config.backend = 'tensorflow';
  fill(config, '', config.platform === 'tensorflow_savedmodel' ? 'model.savedmodel' : 'model.graphdef');
  return true;
};

const tensorrt: Rule = (config, files) => {
  if (config.backend === '') {
    const named = config.platform === 'tensorrt_plan' || config.defaultModelFilename === 'model.plan';
    if (named || (isOpen(config) && files.get('model.plan') === 'file')) config.backend = 'tensorrt';
  }
  if (config.backend !== 'tensorrt') return false;
  fill(config, 'tensorrt_plan', 'model.plan');
  return true;
};

/** `model.onnx` may be a directory: a large model with its weights beside it. */
const onnxruntime: Rule = (config, files) => {
  if (config.backend === '') {
    const named = config.platform === 'onnxruntime_onnx' || config.defaultModelFilename === 'model.onnx';
    if (named || (isOpen(config) && files.has('model.onnx'))) config.backend = 'onnxruntime';
  }
  if (config.backend !== 'onnxruntime') return false;
  fill(config, 'onnxruntime_onnx', 'model.onnx');
  return true;
};

const openvino: Rule = (config, files) => {
  if (config.backend === '') {
    if (config.defaultModelFilename === 'model.xml' || (isOpen(config) && files.has('model.xml'))) {
      config.backend = 'openvino';
    }
  }
  if (config.backend !== 'openvino') return false;
  fill(config, '', 'model.xml');
  return true;
};

const pytorch: Rule = (config, files) => {
  if (config.backend === '') recognisePytorch(config, files);
  if (config.backend !== 'pytorch') return false;
  if (config.platform === '') fill(config, 'pytorch_libtorch', 'model.pt');
  else if (config.platform === 'torch_aoti') fill(config, '', 'model.pt2');
  return true;
};

function recognisePytorch(config: ModelConfig, files: DirectoryListing): void {
  const named =
    ['pytorch_libtorch', 'libtorch', 'torch_aoti'].includes(config.platform) ||
    ['model.pt', 'model.pt2'].includes(config.defaultModelFilename);
  if (named) {
    config.backend = 'pytorch';
  } else if (isOpen(config)) {
    const file = files.has('model.pt') ? 'model.pt' : 'model.pt2';
    if (files.get(file) !== 'file') return;
    config.backend = 'pytorch';
    config.platform = file === 'model.pt' ? 'pytorch_libtorch' : 'torch_aoti';
  }
}

const python: Rule = (config, files) => {
  if (config.backend === '') {
    if (config.defaultModelFilename === 'model.py' || (isOpen(config) && files.has('model.py')))
      config.backend = 'python';
  }
  if (config.backend !== 'python') return false;
  fill(config, '', 'model.py');
  return true;
};

/** A model of another backend may leave its configuration empty when its name says the backend: `anything.<backend>`. */
function custom(modelName: string, config: ModelConfig): void {
  if (!isOpen(config)) return;
  const dot = modelName.indexOf('.');
  if (dot < 0) {
    throw new StatusError(
      'INVALID_ARG',
      `Invalid model name: Could not determine backend for model '${modelName}' with no backend in model configuration. Expected model name of the form 'model.<backend_name>'.`,
    );
  }
  config.backend = modelName.slice(dot + 1);
  config.defaultModelFilename = `model.${config.backend}`;
}
