import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '../../config/index.ts';
import { readLabels } from '../labels.ts';
import type { InspectedModel } from './inspected-model.ts';

/** Reads each label file by itself, so that one that is wrong does not hide the next. */
export async function inspectLabels(model: InspectedModel, config: ModelConfig, maxBytes: number): Promise<void> {
  for (const [index, output] of config.output.entries()) {
    if (output.labelFilename === '') continue;
    try {
      await readLabels(model.name, model.directory, { ...config, output: [output] }, maxBytes);
    } catch (error) {
      model.addProblem({ message: StatusError.from(error).message, path: ['output', index, 'label_filename'] });
    }
  }
}
