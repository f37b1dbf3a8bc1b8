import { ImageDecoder, ImageKernels } from '@nereid/engine/image';
import { type DataNode, definePipeline, type OperatorFunctions } from '../builder/index.ts';
import { type ElementType, readPipeline, writePipeline } from '../format/index.ts';
import { OPERATOR_TABLE } from '../operators/index.ts';
import { compilePipeline, OperatorContext, viewElements } from '../pipeline/index.ts';
import { runPiece } from '../runtime/piece-runner.ts';

/** Samples of one input of a request. */
export interface TestInput {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly layout?: string;
  /** One list of elements per sample, all of one shape. */
  readonly samples: readonly (readonly (number | bigint)[])[];
}

export interface TestOutput {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly samples: readonly (readonly (number | bigint)[])[];
}

export type Define = (fn: OperatorFunctions, ...inputs: DataNode[]) => DataNode | readonly DataNode[];

/** Runs a pipeline on this thread as a worker would, through its serialised form. Throws Error with the text of a failed request. */
export async function runPipeline(inputs: readonly TestInput[], define: Define): Promise<TestOutput[]> {
  const pipeline = definePipeline({ batchSize: 16 }, (fn) => {
    const sources = inputs.map(({ layout }, i) =>
      fn.externalSource({ name: `INPUT${i}`, ...(layout === undefined ? {} : { layout }) }),
    );
    return define(fn, ...sources);
  });
  const compiled = compilePipeline(readPipeline(writePipeline(pipeline)), OPERATOR_TABLE);
  const kernels = new ImageKernels();
  const context = new OperatorContext(kernels, new ImageDecoder(kernels));
  const sampleCount = inputs[0]?.samples.length ?? 1;
  const piece = {
    firstSample: 0,
    sampleCount,
    capacity: sampleCount,
    inputs: inputs.map(({ type, shape }) => ({ type, shape })),
  };
  const result = await runPiece(context, compiled, piece, inputs.map(encode), 2 ** 28);
  if ('error' in result) throw new Error(result.error);
  return result.outputs.map(({ type, shape, buffer, sampleBytes }) => ({
    type,
    shape,
    samples: Array.from({ length: sampleCount }, (_, i) =>
      Array.from(viewElements(type, new Uint8Array(buffer, i * sampleBytes, sampleBytes)) as Iterable<number | bigint>),
    ),
  }));
}

/** The first output of a pipeline over one sample of one input. */
export async function runOne(
  input: Omit<TestInput, 'samples'> & { readonly data: readonly (number | bigint)[] },
  define: (fn: OperatorFunctions, input: DataNode) => DataNode,
) {
  const [output] = await runPipeline([{ ...input, samples: [input.data] }], (fn, source) => define(fn, source!));
  return { type: output!.type, shape: output!.shape, data: output!.samples[0]! };
}

export function encode({ type, samples, shape }: TestInput): Uint8Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const elementBytes = viewElements(type, new Uint8Array(8)).BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(samples.length * size * elementBytes);
  const elements = viewElements(type, bytes) as unknown as { [index: number]: number | bigint };
  samples.forEach((sample, s) => {
    sample.forEach((value, i) => {
      elements[s * size + i] = value;
    });
  });
  return bytes;
}

/** 0, 1, 2, ... */
export function count(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
