import type { ModelConfig } from '@nereid/protocol/model-config';

/** What an ensemble's parameters say of one step, beyond Triton (docs/extensions.md). Names are ensemble tensors. */
export interface StepOptions {
  /** `step.<n>.skip_if_absent`: the step is skipped when one of them is absent. */
  readonly skipIfAbsent: readonly string[];
  /** `step.<n>.run_if`: the step runs only when this BOOL tensor says so. */
  readonly runIf: { readonly tensor: string; readonly negated: boolean } | undefined;
  /** `step.<n>.map`: the step runs for every item of these tensors' first dimension. */
  readonly map: readonly string[];
}

export const STEP_OPTION_NAMES = ['skip_if_absent', 'run_if', 'map'] as const;
export type StepOptionName = (typeof STEP_OPTION_NAMES)[number];

/** Every parameter of an ensemble that begins so is one of a step. */
export const STEP_PARAMETER_PREFIX = 'step.';

const STEP_PARAMETER = /^step\.(0|[1-9]\d{0,8})\.(skip_if_absent|run_if|map)$/;

export interface StepParameter {
  readonly step: number;
  readonly option: StepOptionName;
}

/** Undefined when the parameter's name is not one of a step's options. */
export function parseStepParameter(name: string): StepParameter | undefined {
  const match = STEP_PARAMETER.exec(name);
  return match === null ? undefined : { step: Number(match[1]), option: match[2] as StepOptionName };
}

const NO_OPTIONS: StepOptions = { skipIfAbsent: [], runIf: undefined, map: [] };

/** The options of each step, by position. Does not check them: `stepOptionProblems` does. */
export function stepOptions(config: ModelConfig): readonly StepOptions[] {
  const steps = config.schedulingChoice.case === 'ensembleScheduling' ? config.schedulingChoice.value.step : [];
  const options = steps.map(() => NO_OPTIONS);
  for (const [name, { stringValue }] of Object.entries(config.parameters)) {
    const parameter = parseStepParameter(name);
    if (parameter === undefined) continue;
    const known = options[parameter.step];
    if (known !== undefined) options[parameter.step] = { ...known, ...optionValue(parameter.option, stringValue) };
  }
  return options;
}

/** Whether a step may be skipped by an option of its own. */
export function isConditional({ skipIfAbsent, runIf }: StepOptions): boolean {
  return skipIfAbsent.length > 0 || runIf !== undefined;
}

function optionValue(option: StepOptionName, text: string): Partial<StepOptions> {
  if (option === 'skip_if_absent') return { skipIfAbsent: splitNames(text) };
  if (option === 'map') return { map: splitNames(text) };
  const name = text.trim();
  const negated = name.startsWith('!');
  return { runIf: { tensor: negated ? name.slice(1).trim() : name, negated } };
}

/** Names between commas. */
function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
