import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { modelSignature, normalizeModelConfig, parseModelConfigText } from '../../../config/index.ts';
import type { ModelLoadContext, ModelSignature } from '../../../inference/index.ts';

const silent = { error() {}, warning() {}, info() {}, verbose() {} };

/** A model directory with version 1 under the system's temporary directory, and what a backend is told about it. */
export interface TestModel {
  readonly context: ModelLoadContext;
  /** Only for a configuration that is complete. */
  readonly signature: ModelSignature;
  remove(): Promise<void>;
}

/** Writes `config.pbtxt` and the files of version 1. */
export async function writeModel(
  configText: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<TestModel> {
  const modelDirectory = await mkdtemp(path.join(tmpdir(), 'nereid-dali-'));
  const versionDirectory = path.join(modelDirectory, '1');
  await mkdir(versionDirectory);
  await writeFile(path.join(modelDirectory, 'config.pbtxt'), configText);
  for (const [name, contents] of Object.entries(files)) await writeFile(path.join(versionDirectory, name), contents);
  const config = parseModelConfigText(configText);
  normalizeModelConfig(config);
  return {
    context: {
      modelName: config.name,
      version: 1,
      modelDirectory,
      versionDirectory,
      config,
      backendConfig: new Map(),
      cacheDirectory: undefined,
      log: silent,
    },
    get signature() {
      return modelSignature(config);
    },
    remove: () => rm(modelDirectory, { recursive: true, force: true }),
  };
}
