import type { ModelConfig, ModelEnsembling_Step } from '@nereid/protocol/model-config';
import { type ConfigProblem, invalid, type Problems } from '../problem.ts';
import {
  isConditional,
  parseStepParameter,
  STEP_OPTION_NAMES,
  STEP_PARAMETER_PREFIX,
  type StepParameter,
  stepOptions,
} from '../step-options.ts';

/** What can be said about the parameters of an ensemble's steps without its composing models. */
export function* stepOptionProblems(config: ModelConfig, steps: readonly ModelEnsembling_Step[]): Problems {
  const options = stepOptions(config);
  const written = new Set(steps.flatMap((step) => Object.values(step.outputMap)));
  for (const input of config.input) written.add(input.name);
  const maybeAbsent = absentTensors(config, steps);
  for (const [name, { stringValue }] of Object.entries(config.parameters)) {
    if (!name.startsWith(STEP_PARAMETER_PREFIX)) continue;
    const problem = (text: string): ConfigProblem =>
      invalid(`${text} in ensemble '${config.name}'`, 'parameters', { key: name });
    const parameter = parseStepParameter(name);
    const step = parameter && steps[parameter.step];
    if (parameter === undefined) {
      yield problem(
        `parameter '${name}' is not step.<number>.<option> with one of the options ${STEP_OPTION_NAMES.join(', ')}`,
      );
    } else if (step === undefined) {
      yield problem(`parameter '${name}' is for step ${parameter.step}, but there are ${steps.length} steps`);
    } else {
      const { skipIfAbsent, runIf, map } = options[parameter.step]!;
      const reads = new Set(Object.values(step.inputMap));
      const subject = describe(parameter, step);
      const named = { skip_if_absent: skipIfAbsent, run_if: runIf === undefined ? [] : [runIf.tensor], map }[
        parameter.option
      ];
      if (named.length === 0 || named.includes(''))
        yield problem(`${subject} must name an ensemble tensor, got '${stringValue}'`);
      for (const tensor of named) {
        if (tensor === '') continue;
        if (parameter.option === 'run_if') {
          if (!written.has(tensor)) yield problem(`${subject} names tensor '${tensor}', which nothing writes`);
        } else if (!reads.has(tensor)) {
          yield problem(`${subject} names tensor '${tensor}', which is not in the step's input_map`);
        } else if (parameter.option === 'skip_if_absent' && !maybeAbsent.has(tensor)) {
          yield problem(
            `${subject} names tensor '${tensor}', which is always there: it is no optional input, and no step before it can be skipped`,
          );
        }
      }
    }
  }
}

export function describe({ step, option }: StepParameter, { modelName }: ModelEnsembling_Step): string {
  return `'${option}' of step ${step} (model '${modelName}')`;
}

/** Tensors that a request may come without: optional inputs, and what depends on them or on a step that can be skipped. */
function absentTensors(config: ModelConfig, steps: readonly ModelEnsembling_Step[]): ReadonlySet<string> {
  const options = stepOptions(config);
  const absent = new Set(config.input.filter((input) => input.optional).map(({ name }) => name));
  const readers = new Map<string, number[]>();
  for (const [index, step] of steps.entries()) {
    for (const tensor of Object.values(step.inputMap)) {
      const list = readers.get(tensor);
      if (list === undefined) readers.set(tensor, [index]);
      else list.push(index);
    }
    if (isConditional(options[index]!)) for (const tensor of Object.values(step.outputMap)) absent.add(tensor);
  }
  // A set that grows while it is walked: what is added is visited too.
  for (const tensor of absent) {
    for (const index of readers.get(tensor) ?? []) {
      for (const output of Object.values(steps[index]!.outputMap)) absent.add(output);
    }
  }
  return absent;
}
