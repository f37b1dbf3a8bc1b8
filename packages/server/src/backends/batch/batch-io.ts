import type { Tensor } from '@nereid/protocol';
import type { ModelConfig, ModelOutput } from '@nereid/protocol/model-config';
import type { ExecutionBatch, ModelSignature } from '../../inference/index.ts';
import { type BatchInputSource, batchInputSources, makeBatchInput } from './batch-input.ts';
import { gatherInput, gatherRaggedInput } from './gather.ts';
import { type OutputPart, scatterByInputShape, scatterOutput } from './scatter.ts';

/** Where the -1 dimensions of a `batch_output` come from. */
interface InputShapedOutput {
  readonly dims: readonly number[];
  readonly source: number;
}

/**
 * How the requests of a batch become the tensors a model runs on, and its outputs become theirs: inputs concatenated (or flat, if ragged),
 * `batch_input` tensors computed, scheduler inputs added; outputs cut into views. Made once per loaded model.
 */
export class BatchIo {
  readonly #signature: ModelSignature;
  readonly #batchInputs: readonly BatchInputSource[];
  readonly #inputShaped: ReadonlyMap<string, InputShapedOutput>;
  /** Nothing but plain inputs: a single request's tensors are the model's. */
  readonly #isPlain: boolean;

  /** @throws StatusError INVALID_ARG for batch inputs or outputs that name no input */
  constructor(config: ModelConfig, signature: ModelSignature) {
    this.#signature = signature;
    this.#batchInputs = batchInputSources(config.batchInput, signature);
    this.#inputShaped = inputShapedOutputs(config, signature);
    this.#isPlain = this.#batchInputs.length === 0 && signature.inputs.every((input) => !input.allowRaggedBatch);
  }

  /**
   * The tensors to run on, by their names; inputs that were not given are left out.
   * @throws StatusError when the requests do not fit together
   */
  gather(batch: ExecutionBatch): readonly Tensor[] {
    const { requests, schedulerInputs } = batch;
    const tensors: Tensor[] = [];
    for (let input = 0; input < this.#signature.inputs.length; input++) {
      const ragged = !this.#isPlain && this.#signature.inputs[input]?.allowRaggedBatch;
      const tensor = ragged ? gatherRaggedInput(requests, input) : gatherInput(requests, input);
      if (tensor !== undefined) tensors.push(tensor);
    }
    for (const input of this.#batchInputs) tensors.push(...makeBatchInput(input, requests));
    if (schedulerInputs !== undefined) tensors.push(...schedulerInputs.values());
    return tensors;
  }

  /** One part per request of the batch, views where the output is shared. */
  scatter(output: Tensor, batch: ExecutionBatch): readonly OutputPart[] {
    const { requests } = batch;
    const inputShaped = this.#inputShaped.get(output.name);
    if (inputShaped !== undefined) return scatterByInputShape(output, inputShaped.dims, inputShaped.source, requests);
    if (this.#signature.maxBatchSize > 0) return scatterOutput(output, requests);
    return requests.map(() => output);
  }
}

function inputShapedOutputs(config: ModelConfig, signature: ModelSignature): ReadonlyMap<string, InputShapedOutput> {
  const shaped = new Map<string, InputShapedOutput>();
  for (const { targetName, sourceInput } of config.batchOutput) {
    const output = config.output.find(({ name }) => name === targetName[0]);
    const source = signature.inputIndex.get(sourceInput[0] ?? '');
    if (output === undefined || source === undefined) continue;
    const dims = modelDims(output);
    for (const name of targetName) shaped.set(name, { dims: config.maxBatchSize > 0 ? [-1, ...dims] : dims, source });
  }
  return shaped;
}

/** Dimensions as the model has them: `reshape` where there is one. */
function modelDims(output: ModelOutput): number[] {
  return (output.reshape?.shape ?? output.dims).map(Number);
}
