import { ImageError } from '@nereid/engine/image';
import { elementByteSize } from '../format/index.ts';
import {
  type CompiledPipeline,
  type OperatorContext,
  OperatorError,
  runSamples,
  SampleTensor,
  volume,
} from '../pipeline/index.ts';
import type { Piece, PieceOutput, PieceResult } from './messages.ts';

/** Runs one piece: samples in, one buffer per output out. An error concerns the piece's request only. */
export async function runPiece(
  context: OperatorContext,
  pipeline: CompiledPipeline,
  piece: Piece,
  inputs: readonly Uint8Array[],
  maxOutputBytes: number,
): Promise<PieceResult> {
  const collector = new OutputCollector(pipeline, piece, maxOutputBytes);
  try {
    const samples = Array.from({ length: piece.sampleCount }, (_, sample) =>
      sampleInputs(pipeline, piece, inputs, sample),
    );
    await runSamples(context, pipeline, samples, piece.firstSample, (sample, outputs) =>
      collector.add(sample, outputs),
    );
    return { outputs: collector.outputs };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    // Whatever a failed operator left behind goes, too.
    context.kernels.freeAll();
    context.kernels.trim();
  }
}

/** The tensors of one sample: views into the request's bytes. */
function sampleInputs(
  pipeline: CompiledPipeline,
  piece: Piece,
  inputs: readonly Uint8Array[],
  sample: number,
): SampleTensor[] {
  return pipeline.sources.map((source, i) => {
    const { type, shape } = piece.inputs[i]!;
    const byteLength = volume(shape) * elementByteSize(type);
    const bytes = inputs[i]!.subarray(sample * byteLength, (sample + 1) * byteLength);
    return SampleTensor.borrow(type, shape, source.layout, bytes);
  });
}

class OutputCollector {
  readonly #pipeline: CompiledPipeline;
  readonly #piece: Piece;
  readonly #maxOutputBytes: number;
  #outputs: PieceOutput[] | undefined;

  constructor(pipeline: CompiledPipeline, piece: Piece, maxOutputBytes: number) {
    this.#pipeline = pipeline;
    this.#piece = piece;
    this.#maxOutputBytes = maxOutputBytes;
  }

  get outputs(): readonly PieceOutput[] {
    return this.#outputs ?? [];
  }

  /** Copies a sample's outputs out of kernel memory. Throws OperatorError when it is not like the samples before it. */
  add(sample: number, tensors: readonly SampleTensor[]): void {
    this.#outputs ??= tensors.map((tensor) => this.#allocate(tensor));
    tensors.forEach((tensor, i) => {
      const output = this.#outputs![i]!;
      if (tensor.type !== output.type || !sameShape(tensor.shape, output.shape)) {
        throw new OperatorError(
          nonUniformText(
            this.#pipeline.outputs[i]!.name,
            output.shape,
            this.#piece.firstSample,
            tensor.shape,
            this.#piece.firstSample + sample,
          ),
        );
      }
      new Uint8Array(output.buffer, sample * output.sampleBytes, output.sampleBytes).set(tensor.bytes());
    });
  }

  #allocate(tensor: SampleTensor): PieceOutput {
    const sampleBytes = tensor.byteLength;
    const total = sampleBytes * this.#piece.capacity;
    if (total > this.#maxOutputBytes) {
      throw new ImageError('limit', `an output of ${total} bytes exceeds the limit of ${this.#maxOutputBytes} bytes`);
    }
    // Not zeroed: every byte is written before the buffer leaves.
    const { buffer } = Buffer.allocUnsafeSlow(total);
    return { type: tensor.type, shape: tensor.shape, buffer: buffer as ArrayBuffer, sampleBytes };
  }
}

export function sameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((extent, d) => extent === right[d]);
}

/** The text for samples of one request that cannot be one tensor. */
export function nonUniformText(
  output: string,
  shape: readonly number[],
  sample: number,
  otherShape: readonly number[],
  otherSample: number,
): string {
  return (
    `the samples of output "${output}" do not have one shape: sample #${sample} has (${shape.join(', ')}), ` +
    `sample #${otherSample} has (${otherShape.join(', ')}); resize or pad them, or send them in separate requests`
  );
}
