import type { GraphDefInput } from '@nereid/importers';
import type { ModelConfig } from '../../config/index.ts';

/** What is to be made of a graph for one configuration. Plain data: it goes to a worker, and into the cache's key. */
export interface Bindings {
  readonly inputs: readonly GraphDefInput[];
  readonly outputs: readonly string[];
  /** Names among the inputs that are sequence controls, which have a message of their own. */
  readonly controls: readonly string[];
}

/**
 * Inputs and outputs that the configuration names, those of batchers included. A graph does not say what its inputs and outputs are, and a
 * placeholder may be without a shape: the configuration has both.
 */
export function bindingsOf(config: ModelConfig): Bindings {
  const batches = config.maxBatchSize > 0;
  const inputs: GraphDefInput[] = config.input.map((input) => {
    if (input.allowRaggedBatch) return { name: input.name };
    const dims = (input.reshape?.shape ?? input.dims).map(Number);
    return { name: input.name, openBatch: batches, shape: batches ? [-1, ...dims] : dims };
  });
  const outputs = config.output.map((output) => output.name);
  for (const { targetName } of config.batchInput) inputs.push(...targetName.map((name) => ({ name })));
  const controls: string[] = [];
  if (config.schedulingChoice.case === 'sequenceBatching') {
    const { controlInput, state } = config.schedulingChoice.value;
    controls.push(...controlInput.map(({ name }) => name));
    inputs.push(...controls.map((name) => ({ name, openBatch: batches })));
    inputs.push(...state.map(({ inputName }) => ({ name: inputName, openBatch: batches })));
    outputs.push(...state.map(({ outputName }) => outputName));
  }
  return { inputs: unique(inputs, ({ name }) => name), outputs: unique(outputs, (name) => name), controls };
}

function unique<Item>(items: readonly Item[], nameOf: (item: Item) => string): readonly Item[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(nameOf(item)) && seen.add(nameOf(item)));
}
