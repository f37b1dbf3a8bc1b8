import { StatusError } from '@nereid/protocol';
import {
  CONFIG_FILE,
  CONFIGS_DIRECTORY,
  ConfigTextError,
  type ModelConfig,
  parseModelConfigText,
} from '../config/index.ts';
import { exists, joinPath, readRegularFile } from './files.ts';

/** `configs/<name>.pbtxt` where that exists, else `config.pbtxt`; relative to the model directory. */
export async function configPath(modelDirectory: string, configName: string | undefined): Promise<string> {
  if (configName === undefined || configName === '') return CONFIG_FILE;
  const custom = `${CONFIGS_DIRECTORY}/${configName}.pbtxt`;
  return (await exists(joinPath(modelDirectory, custom))) ? custom : CONFIG_FILE;
}

/**
 * Reads a configuration in text format.
 * @throws StatusError INTERNAL; its cause is a ConfigTextError that says what is wrong with the text
 */
export async function readConfigFile(path: string, maxBytes: number): Promise<ModelConfig> {
  const text = await readRegularFile(path, maxBytes);
  try {
    return parseModelConfigText(text);
  } catch (error) {
    if (!(error instanceof ConfigTextError)) throw error;
    throw new StatusError('INTERNAL', `failed to read text proto from ${path}`, { cause: error });
  }
}
