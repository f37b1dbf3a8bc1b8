import type { WorkerPool } from '@nereid/engine/image';
import { StatusError, type Tensor } from '@nereid/protocol';
import { elementTypeOfProtocol, protocolType } from '../format/index.ts';
import type { CompiledPipeline } from '../pipeline/index.ts';
import type { DaliJob, Piece, PieceOutput, PieceResult } from './messages.ts';
import { nonUniformText, sameShape } from './piece-runner.ts';
import { type SampleRange, splitBatch } from './split.ts';

/** A pipeline that worker threads know. */
export interface PipelineHandle {
  readonly pipeline: CompiledPipeline;
  readonly pool: WorkerPool;
  readonly contextId: number;
  /** Most threads for one batch. */
  readonly numThreads: number;
}

/** Inputs of one request, per source of the pipeline; the first dimension counts samples. */
export type RequestInputs = readonly Tensor[];

/** Outputs of one request, in the pipeline's order and with its names, or why it failed. */
export type RequestResult = readonly Tensor[] | StatusError;

/**
 * Runs requests together: samples are dealt out to threads, the pieces of a request joined again. A request fails alone: for bytes that are no picture,
 * say, or samples that do not end up with one shape. Never rejects.
 */
export async function executeBatch(
  handle: PipelineHandle,
  requests: readonly RequestInputs[],
): Promise<RequestResult[]> {
  const counts = requests.map((inputs) => sampleCount(inputs));
  const loads = requests.map((inputs, request) => {
    const count = counts[request]!;
    if (count instanceof StatusError) return { sampleCount: 0, sampleBytes: 0 };
    return { sampleCount: count, sampleBytes: inputs.reduce((sum, input) => sum + input.data.length, 0) / count };
  });
  const shares = splitBatch(loads, Math.min(handle.numThreads, handle.pool.maxWorkers), handle.pipeline.isBatchWide);
  const pieces: { range: SampleRange; result: PieceResult }[][] = requests.map(() => []);
  await Promise.all(
    shares.map(async (ranges) => {
      const results = await runShare(handle, requests, loads, ranges);
      ranges.forEach((range, i) => {
        pieces[range.request]!.push({ range, result: results[i]! });
      });
    }),
  );
  return Promise.all(
    requests.map((_, request) => {
      const count = counts[request]!;
      return count instanceof StatusError ? count : assemble(handle, pieces[request]!, count);
    }),
  );
}

/** Samples of a request. Every input must have as many. */
function sampleCount(inputs: RequestInputs): number | StatusError {
  const count = inputs[0]?.shape[0];
  if (inputs.some((input) => input.shape.length === 0 || input.shape[0] !== count) || count === undefined) {
    return backendError('Each input in a request must have the same batch size.');
  }
  return count > 0 ? count : backendError('A request must have at least one sample.');
}

/** One thread's part of a batch. A thread that dies fails the requests it was working on. */
async function runShare(
  handle: PipelineHandle,
  requests: readonly RequestInputs[],
  loads: readonly { readonly sampleCount: number }[],
  ranges: readonly SampleRange[],
): Promise<readonly PieceResult[]> {
  const inputs: Uint8Array[] = [];
  const pieces = ranges.map((range): Piece => {
    const total = loads[range.request]!.sampleCount;
    const count = range.to - range.from;
    const tensors = requests[range.request]!.map(({ data, dataType, shape }) => {
      const sampleBytes = data.length / total;
      inputs.push(data.subarray(range.from * sampleBytes, range.to * sampleBytes));
      return { type: elementTypeOfProtocol(dataType) ?? 'UINT8', shape: shape.slice(1) };
    });
    return { firstSample: range.from, sampleCount: count, capacity: range.from === 0 ? total : count, inputs: tensors };
  });
  try {
    const job: DaliJob = { kind: 'run', context: handle.contextId, pieces };
    return (await handle.pool.run(job, { inputs })) as readonly PieceResult[];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return ranges.map(() => ({ error: `Critical error in pipeline:\n${text}` }));
  }
}

/** A request's outputs from its pieces. */
async function assemble(
  handle: PipelineHandle,
  pieces: readonly { range: SampleRange; result: PieceResult }[],
  count: number,
): Promise<RequestResult> {
  const ordered = pieces.toSorted((left, right) => left.range.from - right.range.from);
  const parts: { range: SampleRange; outputs: readonly PieceOutput[] }[] = [];
  for (const { range, result } of ordered) {
    if ('error' in result) return new StatusError('UNKNOWN', `Runtime error: ${result.error}`);
    parts.push({ range, outputs: result.outputs });
  }
  const tensors: Tensor[] = [];
  for (const [index, { name }] of handle.pipeline.outputs.entries()) {
    const columns = parts.map(({ range, outputs }) => ({ range, output: outputs[index]! }));
    const first = columns[0]!;
    const odd = columns.find(
      ({ output }) => output.type !== first.output.type || !sameShape(output.shape, first.output.shape),
    );
    if (odd !== undefined) {
      return new StatusError(
        'UNKNOWN',
        `Runtime error: ${nonUniformText(name, first.output.shape, first.range.from, odd.output.shape, odd.range.from)}`,
      );
    }
    const buffer = columns.length === 1 ? first.output.buffer : await join(handle.pool, columns);
    if (buffer instanceof StatusError) return buffer;
    tensors.push({
      name,
      dataType: protocolType(first.output.type),
      shape: [count, ...first.output.shape],
      data: new Uint8Array(buffer, 0, count * first.output.sampleBytes),
    });
  }
  return tensors;
}

/** Appends the later pieces' samples to the first one's, on a thread, so that the event loop never copies a batch. */
async function join(
  pool: WorkerPool,
  columns: readonly { range: SampleRange; output: PieceOutput }[],
): Promise<ArrayBuffer | StatusError> {
  const [first, ...rest] = columns;
  const target = first!.output.buffer;
  const parts = rest.map(({ range, output }) => ({
    buffer: output.buffer,
    offset: range.from * output.sampleBytes,
    byteLength: (range.to - range.from) * output.sampleBytes,
  }));
  const job: DaliJob = { kind: 'join', target, parts };
  try {
    return (await pool.run(job, { transfer: [target, ...parts.map((part) => part.buffer)] })) as ArrayBuffer;
  } catch (error) {
    return new StatusError(
      'UNKNOWN',
      `Runtime error: Critical error in pipeline:\n${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export function backendError(text: string): StatusError {
  return new StatusError('UNKNOWN', `DALI Backend error: ${text}`);
}
