import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a case is about, and what has to come of it. */
export interface ModelConfigCase {
  /** `autofill_noplatform/ensemble/no_step` */
  readonly name: string;
  readonly directory: string;
  /** Patterns for a log line of a failed start, or configurations in text format of which one must come out. */
  readonly expected: readonly string[];
  readonly outcome: 'error' | 'warning' | 'start' | 'config' | 'command-line';
  readonly autoComplete: boolean;
  /** `platform:` is replaced by this. */
  readonly platform?: string;
  /** Why it cannot be run here. */
  readonly leftOut?: string;
}

const PLATFORMS = ['onnxruntime_onnx', 'pytorch_libtorch'] as const;
const GROUPS = [
  'noautofill_platform',
  'autofill_noplatform',
  'autofill_noplatform_success',
  'special_cases',
  'cli_messages',
  'model_metrics',
  'custom_parameters',
] as const;

/** Whether a folder holds cases laid out as in Triton's own tests. */
export function isModelConfigDirectory(directory: string): boolean {
  return GROUPS.some((group) => existsSync(join(directory, group)));
}

export function findModelConfigCases(directory: string): ModelConfigCase[] {
  return GROUPS.flatMap((group) => casesOfGroup(join(directory, group), group));
}

function casesOfGroup(directory: string, group: (typeof GROUPS)[number]): ModelConfigCase[] {
  const flat = group === 'noautofill_platform' || group === 'special_cases' || group === 'cli_messages';
  const folders = flat ? subdirectories(directory) : subdirectories(directory).flatMap(subdirectories);
  const leaves = group === 'custom_parameters' ? folders.flatMap(subdirectories) : folders;
  return leaves.flatMap((folder) => {
    const name = folder.slice(folder.indexOf(group));
    const common = { name, directory: folder, expected: expectedTexts(folder), autoComplete: true };
    const leftOut = reasonToLeaveOut(name);
    const known = leftOut === undefined ? common : { ...common, leftOut };
    return variants(group, known);
  });
}

function variants(group: (typeof GROUPS)[number], common: Omit<ModelConfigCase, 'outcome'>): ModelConfigCase[] {
  switch (group) {
    case 'noautofill_platform':
      return PLATFORMS.map((platform) => ({ ...common, outcome: 'error', autoComplete: false, platform }));
    case 'autofill_noplatform_success':
      return [{ ...common, outcome: 'config' }];
    case 'special_cases':
      return [{ ...common, outcome: 'error', autoComplete: !common.name.endsWith('/invalid_platform') }];
    case 'cli_messages':
      return [{ ...common, outcome: 'command-line' }];
    case 'model_metrics':
      return [{ ...common, outcome: metricsOutcome(common.name) }];
    default:
      return [{ ...common, outcome: 'error' }];
  }
}

function metricsOutcome(name: string): ModelConfigCase['outcome'] {
  if (name.includes('/invalid_config/')) return 'error';
  return name.includes('/valid_config_with_warn/') ? 'warning' : 'start';
}

function reasonToLeaveOut(name: string): string | undefined {
  if (/\/tensorrt\//.test(name)) return 'needs TensorRT';
  if (/\/openvino\//.test(name)) return 'needs OpenVINO';
  if (/\/(invalid_gpu|negative_gpu)$/.test(name))
    return 'needs a server that supports GPUs to say which ones there are';
  if (/\/python\//.test(name)) return 'the model is a Python program (model.py) that completes its own configuration';
  if (/\/pytorch\/too_few_/.test(name)) return 'the answer comes from a TorchScript model, which is not in the corpus';
  return undefined;
}

/** The patterns or configurations of a case; they stand beside its model, or in it when the case is a whole repository. */
function expectedTexts(directory: string): string[] {
  const model = join(directory, basename(directory));
  return [directory, model].filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.startsWith('expected') && statSync(join(folder, file)).isFile())
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  );
}

/** A metrics case is only the end of a configuration; Triton's script puts that of a Python model in front. */
const METRICS_MODEL = `backend: "identity"
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU } ]
`;

/** Lays a case out as a model repository, with the empty version directories that Triton's script makes. */
export function writeCaseRepository(modelCase: ModelConfigCase, repository: string): void {
  const { directory, platform } = modelCase;
  const isModel = existsSync(join(directory, 'config.pbtxt')) || subdirectories(directory).every(isVersion);
  if (isModel) cpSync(directory, join(repository, basename(directory)), { recursive: true });
  else cpSync(directory, repository, { recursive: true });
  for (const model of subdirectories(repository)) {
    const config = join(model, 'config.pbtxt');
    const partial = join(model, 'partial.pbtxt');
    if (existsSync(partial)) writeFileSync(config, METRICS_MODEL + readFileSync(partial, 'utf8'));
    if (platform !== undefined && existsSync(config)) {
      const text = readFileSync(config, 'utf8').replace(/^.*platform:.*$/gm, '');
      writeFileSync(config, `${text}\nplatform: "${platform}"\n`);
    }
    addVersion(model, modelCase);
  }
}

function addVersion(model: string, { name }: ModelConfigCase): void {
  // This case is about a model that has none.
  if (name.endsWith('/no_version') || subdirectories(model).some(isVersion)) return;
  mkdirSync(join(model, '1'));
  if (/_success\/pytorch\//.test(name)) writeFileSync(join(model, '1', 'model.pt'), '');
  if (/_success\/onnx\//.test(name)) writeFileSync(join(model, '1', 'model.onnx'), '');
}

function isVersion(directory: string): boolean {
  return /^\d+$/.test(basename(directory));
}

function subdirectories(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name))
    .sort();
}
