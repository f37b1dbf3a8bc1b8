import { StatusError } from '@nereid/protocol';
import { ensembleSteps, type ModelConfig, type ModelEnsembling_Step } from '../config/index.ts';
import type { ModelHandle } from '../inference/index.ts';
import { confinedPath } from './confinement.ts';
import { joinPath, readRegularFile } from './files.ts';
import type { ModelLabels } from './version-loader.ts';

/**
 * Reads the label files that a configuration names, by output: one label per line, line N is class N.
 * @throws StatusError UNSUPPORTED for a file outside the model's directory, INTERNAL for one that cannot be read
 */
export async function readLabels(
  modelId: string,
  modelDirectory: string,
  config: ModelConfig,
  maxBytes: number,
): Promise<Map<string, readonly string[]>> {
  const labels = new Map<string, readonly string[]>();
  for (const output of config.output) {
    if (output.labelFilename === '') continue;
    const path = joinPath(modelDirectory, output.labelFilename);
    const canonical = await confinedPath(path, modelDirectory);
    if (canonical === undefined) {
      const place = `for output '${output.name}' in model '${modelId}'`;
      throw new StatusError('UNSUPPORTED', `label file path '${path}' ${place} is outside model directory`);
    }
    if (labels.has(output.name)) throw new StatusError('INTERNAL', `multiple label files for '${output.name}'`);
    labels.set(output.name, splitLines((await readRegularFile(path, maxBytes, canonical)).toString()));
  }
  return labels;
}

function splitLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * Adds, for each output of an ensemble that has no labels of its own, those of the step output it comes from.
 * @param handleOf the loaded version that a step names
 */
export function inheritLabels(
  labels: Map<string, readonly string[]>,
  config: ModelConfig,
  handleOf: (step: ModelEnsembling_Step) => ModelHandle | undefined,
): ModelLabels {
  const missing = new Set(config.output.map((output) => output.name).filter((name) => !labels.get(name)?.[0]));
  for (const step of ensembleSteps(config)) {
    for (const [stepOutput, tensor] of Object.entries(step.outputMap)) {
      if (!missing.has(tensor)) continue;
      const inherited = handleOf(step)?.labels(stepOutput);
      if (inherited && !labels.has(tensor)) labels.set(tensor, inherited);
    }
  }
  return labels;
}
