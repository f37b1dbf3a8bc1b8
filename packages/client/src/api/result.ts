import { InferenceServerError } from '../errors/index.ts';
import type { OutputTensor } from '../tensor/index.ts';
import type { ParameterValue } from './request.ts';

interface InferResultFields {
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly outputs: readonly OutputTensor[];
}

/** What a model answered. */
export class InferResult {
  /** The request's id, '' when it had none. */
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  /** Parameters the model or the server attached. Integers beyond 2^53 are bigints. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** In the server's order, which need not be the request's. */
  readonly outputs: readonly OutputTensor[];

  constructor({ id, modelName, modelVersion, parameters, outputs }: InferResultFields) {
    this.id = id;
    this.modelName = modelName;
    this.modelVersion = modelVersion;
    this.parameters = parameters;
    this.outputs = outputs;
  }

  /** The output called `name`. Throws InferenceServerError NOT_FOUND when the response has none of that name. */
  output(name: string): OutputTensor {
    const output = this.outputs.find((each) => each.name === name);
    if (output !== undefined) return output;
    const names = this.outputs.map((each) => `'${each.name}'`).join(', ');
    throw new InferenceServerError('NOT_FOUND', `the response has no output '${name}', it has ${names || 'none'}`);
  }
}
