import { DataType } from '@nereid/protocol/model-config';
import { configDataTypeName } from './data-type.ts';
import type { EnsembleContext } from './ensemble.ts';
import type { EnsembleTensor } from './ensemble-tensors.ts';
import { invalid, type Problems } from './problem.ts';
import type { StepOptions } from './step-options.ts';

/** What the options of an ensemble's steps ask of the models: a condition is BOOL, a mapped model answers once and keeps no sequence. */
export function* stepModelProblems(
  { id, models }: EnsembleContext,
  options: readonly StepOptions[],
  tensors: ReadonlyMap<string, EnsembleTensor>,
): Problems {
  for (const [index, { runIf, map }] of options.entries()) {
    const model = models[index];
    const place = (option: string) => ['parameters', { key: `step.${index}.${option}` }] as const;
    const condition = runIf && tensors.get(runIf.tensor);
    if (condition !== undefined && condition.dataType !== DataType.TYPE_BOOL) {
      const message = `in ensemble ${id}, 'run_if' of step ${index} needs a tensor of type TYPE_BOOL, but '${condition.name}' is ${configDataTypeName(condition.dataType)}`;
      yield invalid(message, ...place('run_if'));
    }
    if (map.length === 0 || model === undefined) continue;
    const subject = `in ensemble ${id}, step ${index} cannot map over '${map.join("', '")}': model '${model.id}'`;
    if (model.config.modelTransactionPolicy?.decoupled) yield invalid(`${subject} is decoupled`, ...place('map'));
    if (model.config.schedulingChoice.case === 'sequenceBatching') {
      yield invalid(`${subject} uses sequence batching`, ...place('map'));
    }
  }
}
