import type { ModelConfig } from '../../config/index.ts';
import { ProblemList } from '../problem-list.ts';
import { checkSequenceTensors } from './check-sequence.ts';
import { checkInputs, checkOutputs } from './check-tensors.ts';
import type { ModelInterface } from './model-interface.ts';

/**
 * Checks that a configuration fits the model it is for.
 * @throws StatusError with the text of the first thing Triton's ONNX Runtime backend would report, and the others as its cause
 */
export function checkConfig(config: ModelConfig, model: ModelInterface): void {
  const required = config.input.filter((input) => !input.optional).length;
  const problems = new ProblemList();
  checkInputs(config, model, required + config.batchInput.length + checkSequenceTensors(config, model), problems);
  checkOutputs(config, model, problems);
  problems.throwFirst();
}
