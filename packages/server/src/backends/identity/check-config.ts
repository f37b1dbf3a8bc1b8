import { StatusError } from '@nereid/protocol';
import { configDataTypeName, type ModelConfig, printDims } from '../../config/index.ts';

const INPUT_PREFIX = 'INPUT';
const OUTPUT_PREFIX = 'OUTPUT';

/**
 * What comes out is what goes in: every OUTPUT<n> needs an INPUT<n> of the same type and shape.
 * @throws StatusError INVALID_ARG with the texts of Triton's identity backend
 */
export function checkIdentityConfig(config: ModelConfig): void {
  if (config.input.length !== config.output.length) {
    throw invalid('model configuration must have equal input/output pairs');
  }
  for (const { name } of config.input) checkName('input', name, INPUT_PREFIX);
  for (const { name } of config.output) checkName('output', name, OUTPUT_PREFIX);
  for (const output of config.output) {
    const input = config.input.find(({ name }) => name === inputOf(output.name));
    if (input === undefined) throw invalid('expected input and output indices to match');
    if (input.dataType !== output.dataType) {
      throw invalid(
        `expected input and output datatype to match, got ${configDataTypeName(input.dataType)} and ${configDataTypeName(output.dataType)}`,
      );
    }
    const inputShape = input.reshape?.shape ?? input.dims;
    const outputShape = output.reshape?.shape ?? output.dims;
    if (printDims(inputShape) !== printDims(outputShape)) {
      throw invalid(
        `expected input and output shape to match, got ${printDims(inputShape)} and ${printDims(outputShape)}`,
      );
    }
  }
}

/** `OUTPUT3` -> `INPUT3` */
export function inputOf(outputName: string): string {
  return INPUT_PREFIX + outputName.slice(OUTPUT_PREFIX.length);
}

function checkName(kind: string, name: string, prefix: string): void {
  if (!name.startsWith(prefix)) {
    throw invalid(`expected ${kind} name to follow ${prefix}<index> pattern, got '${name}'`);
  }
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
