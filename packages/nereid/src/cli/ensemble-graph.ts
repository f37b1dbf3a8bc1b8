import type { ModelConfig, ModelSignature, TensorSignature } from '@nereid/server';

/** One tensor on its way from where it is made to one that reads it. */
interface Edge {
  readonly from: string;
  readonly label: string;
  readonly to: string;
}

/** Finds the signature of a step's model; undefined when that model did not load. Version -1 is the highest. */
export type SignatureOf = (modelName: string, version: number) => ModelSignature | undefined;

/**
 * The graph of an ensemble as text, a line per edge, in the order the data flows. Shapes are those the tensors have, batch dimension
 * included, -1 being variable:
 *
 *     INPUT                 ─ UINT8 [-1,-1] ─►                 0 dali.DALI_INPUT_0
 *     0 dali.DALI_OUTPUT_0  ─ image: FP32 [-1,299,299,3] ─►    1 inception.input
 */
export function ensembleGraph(config: ModelConfig, signatureOf: SignatureOf): string {
  if (config.schedulingChoice.case !== 'ensembleScheduling')
    throw new Error(`model '${config.name}' is not an ensemble`);
  const edges = edgesOf(config, config.schedulingChoice.value.step, signatureOf);
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const fromWidth = width(edges.map(({ from }) => from));
  const labelWidth = width(edges.map(({ label }) => label));
  return edges.map(({ from, label, to }) => `${from.padEnd(fromWidth)}  ${label.padEnd(labelWidth)}  ${to}`).join('\n');
}

type Steps = Extract<ModelConfig['schedulingChoice'], { case: 'ensembleScheduling' }>['value']['step'];

function edgesOf(config: ModelConfig, steps: Steps, signatureOf: SignatureOf): Edge[] {
  const ensemble = signatureOf(config.name, -1);
  const produced = new Map<string, { from: string; tensor: string; order: number }>();
  for (const { name } of config.input) {
    produced.set(name, { from: name, tensor: describe(ensemble?.inputs, name, ensemble), order: -1 });
  }
  for (const [index, step] of steps.entries()) {
    const signature = signatureOf(step.modelName, Number(step.modelVersion));
    for (const [output, tensor] of Object.entries(step.outputMap)) {
      const from = `${index} ${step.modelName}.${output}`;
      produced.set(tensor, { from, tensor: describe(signature?.outputs, output, signature), order: index });
    }
  }
  const edges: (Edge & { readonly order: number })[] = [];
  const connect = (tensor: string, to: string) => {
    const source = produced.get(tensor);
    if (source === undefined) return;
    const shown = tensor === source.from || tensor === to ? '' : `${tensor}: `;
    edges.push({ from: source.from, label: `─ ${shown}${source.tensor} ─►`, to, order: source.order });
  };
  for (const [index, step] of steps.entries()) {
    for (const [input, tensor] of Object.entries(step.inputMap)) connect(tensor, `${index} ${step.modelName}.${input}`);
  }
  for (const { name } of config.output) connect(name, name);
  return edges.sort((a, b) => a.order - b.order);
}

function describe(
  tensors: readonly TensorSignature[] | undefined,
  name: string,
  signature: ModelSignature | undefined,
): string {
  const found = tensors?.find((tensor) => tensor.name === name);
  if (found === undefined || signature === undefined) return 'unknown';
  const shape = signature.maxBatchSize > 0 ? [-1, ...found.dims] : found.dims;
  return `${found.dataType} [${shape.join(',')}]`;
}
