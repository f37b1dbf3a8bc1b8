import type { CompiledPipeline, PipelineStep } from './compile-pipeline.ts';
import { OperatorError, SampleError } from './errors.ts';
import type { NamedTensors } from './op-arguments.ts';
import type { OperatorContext } from './operator.ts';
import type { SampleTensor } from './sample-tensor.ts';

/** Receives a sample's outputs, in the pipeline's order; they are released when it returns. */
export type OutputHandler = (sample: number, outputs: readonly SampleTensor[]) => void;

/** Tensors of one sample by number. */
type Values = (SampleTensor | undefined)[];

const NOTHING_NAMED: NamedTensors = new Map();

/**
 * Runs a pipeline over samples of one request. Without operators that look at all samples, each sample goes through to the end before the next
 * begins, so that memory holds one. `inputs[s][i]` fills source i. Throws SampleError; nothing stays allocated.
 */
export async function runSamples(
  context: OperatorContext,
  pipeline: CompiledPipeline,
  inputs: readonly (readonly SampleTensor[])[],
  firstSample: number,
  onOutputs: OutputHandler,
): Promise<void> {
  if (!pipeline.isBatchWide) {
    for (let sample = 0; sample < inputs.length; sample++) {
      await runGroup(context, pipeline, [inputs[sample]!], firstSample + sample, (_, outputs) =>
        onOutputs(sample, outputs),
      );
    }
    return;
  }
  await runGroup(context, pipeline, inputs, firstSample, onOutputs);
}

async function runGroup(
  context: OperatorContext,
  pipeline: CompiledPipeline,
  inputs: readonly (readonly SampleTensor[])[],
  firstSample: number,
  onOutputs: OutputHandler,
): Promise<void> {
  const samples = inputs.map((tensors) => {
    const values: Values = new Array(pipeline.tensorCount).fill(undefined);
    pipeline.sources.forEach((source, i) => {
      values[source.tensor] = tensors[i];
    });
    return values;
  });
  try {
    for (const step of pipeline.steps) {
      const pending = runStep(context, step, samples, firstSample);
      if (pending !== undefined) await pending;
    }
    samples.forEach((values, sample) => {
      onOutputs(
        sample,
        pipeline.outputs.map((output) => values[output.tensor]!),
      );
    });
  } finally {
    for (const values of samples) for (const tensor of values) tensor?.release();
  }
}

/** A promise only where an operator needs one, so that the usual chain runs in one go. */
function runStep(
  context: OperatorContext,
  step: PipelineStep,
  samples: readonly Values[],
  firstSample: number,
): Promise<void> | undefined {
  if (step.operator.scope === 'batch') {
    runBatchStep(context, step, samples, firstSample);
    return undefined;
  }
  for (let sample = 0; sample < samples.length; sample++) {
    const pending = runSampleStep(context, step, samples[sample]!, firstSample + sample);
    if (pending !== undefined) return finishSamples(pending, context, step, samples, sample + 1, firstSample);
  }
  return undefined;
}

async function finishSamples(
  pending: Promise<void>,
  context: OperatorContext,
  step: PipelineStep,
  samples: readonly Values[],
  next: number,
  firstSample: number,
): Promise<void> {
  await pending;
  for (let sample = next; sample < samples.length; sample++) {
    await runSampleStep(context, step, samples[sample]!, firstSample + sample);
  }
}

function runSampleStep(
  context: OperatorContext,
  step: PipelineStep,
  values: Values,
  sample: number,
): Promise<void> | undefined {
  const { operator } = step;
  if (operator.scope !== 'sample') return undefined;
  try {
    const result = operator.run(context, inputsOf(step, values), namedOf(step, values));
    if (!(result instanceof Promise)) {
      store(step, values, result);
      return undefined;
    }
    return result.then(
      (outputs) => store(step, values, outputs),
      (error: unknown) => {
        throw new SampleError(step.op, sample, error);
      },
    );
  } catch (error) {
    throw new SampleError(step.op, sample, error);
  }
}

function runBatchStep(
  context: OperatorContext,
  step: PipelineStep,
  samples: readonly Values[],
  firstSample: number,
): void {
  const { operator } = step;
  if (operator.scope !== 'batch') return;
  try {
    const results = operator.runBatch(
      context,
      samples.map((values) => inputsOf(step, values)),
      samples.map((values) => namedOf(step, values)),
    );
    results.forEach((outputs, sample) => {
      store(step, samples[sample]!, outputs);
    });
  } catch (error) {
    throw new SampleError(step.op, firstSample, error);
  }
}

function inputsOf(step: PipelineStep, values: Values): SampleTensor[] {
  return step.inputs.map((tensor) => values[tensor]!);
}

function namedOf(step: PipelineStep, values: Values): NamedTensors {
  if (step.named.length === 0) return NOTHING_NAMED;
  return new Map(step.named.map(([name, tensor]) => [name, values[tensor]!]));
}

/** Keeps a step's outputs and lets go of what nobody needs any more. */
function store(step: PipelineStep, values: Values, outputs: readonly SampleTensor[]): void {
  if (outputs.length !== step.outputs.length)
    throw new OperatorError(`${outputs.length} outputs came where ${step.outputs.length} are expected`);
  step.outputs.forEach((tensor, i) => {
    values[tensor] = outputs[i];
  });
  for (const tensor of step.lastUses) {
    values[tensor]?.release();
    values[tensor] = undefined;
  }
}
