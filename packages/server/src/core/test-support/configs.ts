/** `config.pbtxt` texts of toy models. */

export interface ToyOptions {
  readonly behaviour?: string;
  readonly maxBatchSize?: number;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly dims?: string;
  readonly dataType?: string;
  readonly instances?: number;
  readonly hold?: boolean;
  /** More of the configuration. */
  readonly more?: string;
}

export function toyModel(name: string, options: ToyOptions = {}): string {
  const { behaviour = 'identity', maxBatchSize = 8, dims = '-1', dataType = 'TYPE_INT32', instances = 1 } = options;
  const inputs = options.inputs ?? ['INPUT0'];
  const outputs = options.outputs ?? ['OUTPUT0'];
  const tensor = (field: string) => (tensorName: string) =>
    `${field} { name: "${tensorName.replace('?', '')}" data_type: ${dataType} dims: [ ${dims} ]${tensorName.endsWith('?') ? ' optional: true' : ''} }`;
  return `
name: "${name}" backend: "toy" max_batch_size: ${maxBatchSize}
${inputs.map(tensor('input')).join('\n')}
${outputs.map(tensor('output')).join('\n')}
instance_group { count: ${instances} kind: KIND_CPU }
parameters { key: "behaviour" value { string_value: "${behaviour}" } }
${options.hold === true ? 'parameters { key: "hold" value { string_value: "yes" } }' : ''}
${options.more ?? ''}`;
}

export interface StepOptions {
  readonly model: string;
  readonly version?: number;
  /** Input of the model -> tensor of the ensemble. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface EnsembleOptions {
  readonly maxBatchSize?: number;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly dims?: string;
  readonly more?: string;
}

export function ensemble(name: string, steps: readonly StepOptions[], options: EnsembleOptions = {}): string {
  const { maxBatchSize = 8, dims = '-1', inputs = ['IN'], outputs = ['OUT'] } = options;
  const tensor = (field: string) => (tensorName: string) =>
    `${field} { name: "${tensorName.replace('?', '')}" data_type: TYPE_INT32 dims: [ ${dims} ]${tensorName.endsWith('?') ? ' optional: true' : ''} }`;
  const map = (field: string, entries: Readonly<Record<string, string>>) =>
    Object.entries(entries)
      .map(([key, value]) => `${field} { key: "${key}" value: "${value}" }`)
      .join(' ');
  const stepTexts = steps.map(
    ({ model, version = -1, inputs: stepInputs, outputs: stepOutputs }) =>
      `step { model_name: "${model}" model_version: ${version} ${map('input_map', stepInputs)} ${map('output_map', stepOutputs)} }`,
  );
  return `
name: "${name}" platform: "ensemble" max_batch_size: ${maxBatchSize}
${inputs.map(tensor('input')).join('\n')}
${outputs.map(tensor('output')).join('\n')}
ensemble_scheduling { ${stepTexts.join('\n')} }
${options.more ?? ''}`;
}
