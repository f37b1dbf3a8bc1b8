import type { ModelConfig } from '@nereid/protocol/model-config';
import { ENSEMBLE_PLATFORM } from '../platform.ts';
import { invalid, type Problems } from '../problem.ts';
import { dataFlowProblems } from './ensemble-flow.ts';
import { buildDataFlow, stepProblems } from './ensemble-graph.ts';
import { stepOptionProblems } from './step-options.ts';

/** What can be said about an ensemble without its composing models. */
export function* ensembleProblems(config: ModelConfig): Problems {
  if (config.schedulingChoice.case !== 'ensembleScheduling') {
    if (config.platform === ENSEMBLE_PLATFORM) {
      const message = `ensemble scheduling must be set for ensemble ${config.name} whose platform is ensemble`;
      yield invalid(message, 'platform');
    }
    return;
  }
  if (config.platform !== ENSEMBLE_PLATFORM) {
    const message = `ensemble scheduling cannot be set for model '${config.name}' whose platform is not ensemble`;
    yield invalid(message, 'ensemble_scheduling');
  }
  if (config.instanceGroup.length > 0) {
    yield invalid(`instance group should not be specified for ensemble '${config.name}'`, 'instance_group');
  }
  if (config.optimization) {
    yield invalid(`optimization should not be specified for ensemble '${config.name}'`, 'optimization');
  }
  if (config.modelWarmup.length > 0) {
    yield invalid(`model_warmup can not be specified for ensemble '${config.name}'`, 'model_warmup');
  }
  const steps = config.schedulingChoice.value.step;
  if (steps.length === 0) {
    yield invalid(`must specify 'step' for ensemble '${config.name}'`, 'ensemble_scheduling');
    return;
  }
  let complete = true;
  for (const problem of stepProblems(steps, config.name)) {
    complete = false;
    yield problem;
  }
  for (const problem of stepOptionProblems(config, steps)) {
    complete = false;
    yield problem;
  }
  // The data flow of steps with holes would only repeat the same mistakes in other words.
  if (complete) yield* dataFlowProblems(config, buildDataFlow(config));
}
