import { workerData } from 'node:worker_threads';
import { ImageDecoder, ImageKernels, type JobResult, serveJobs } from '@nereid/engine/image';
import { readPipeline } from '../format/index.ts';
import { OPERATOR_TABLE } from '../operators/index.ts';
import { type CompiledPipeline, compilePipeline, OperatorContext } from '../pipeline/index.ts';
import type { DaliJob, PieceResult, WorkerSettings } from './messages.ts';
import { runPiece } from './piece-runner.ts';

// The entry of a worker thread: pipelines come as contexts (the bytes of model.dali), batches as jobs.

const settings = workerData as WorkerSettings;
const kernels = new ImageKernels({ maxBytes: settings.maxMemoryBytes });
const context = new OperatorContext(kernels, new ImageDecoder(kernels, { maxPixels: settings.maxImagePixels }));
const pipelines = new Map<number, CompiledPipeline>();

async function runPieces(job: Extract<DaliJob, { kind: 'run' }>, inputs: readonly Uint8Array[]): Promise<JobResult> {
  const pipeline = pipelines.get(job.context);
  if (pipeline === undefined) throw new Error(`no pipeline ${job.context} is loaded in this thread`);
  const results: PieceResult[] = [];
  const width = pipeline.sources.length;
  for (const [index, piece] of job.pieces.entries()) {
    results.push(
      await runPiece(
        context,
        pipeline,
        piece,
        inputs.slice(index * width, (index + 1) * width),
        settings.maxOutputBytes,
      ),
    );
  }
  const transfer = results.flatMap((result) =>
    'outputs' in result ? result.outputs.map((output) => output.buffer) : [],
  );
  return { value: results, transfer };
}

function join(job: Extract<DaliJob, { kind: 'join' }>): JobResult {
  const target = new Uint8Array(job.target);
  for (const { buffer, offset, byteLength } of job.parts) target.set(new Uint8Array(buffer, 0, byteLength), offset);
  return { value: job.target, transfer: [job.target] };
}

serveJobs({
  setContext: (id, bytes) => {
    pipelines.set(id, compilePipeline(readPipeline(bytes as Uint8Array), OPERATOR_TABLE));
  },
  forgetContext: (id) => {
    pipelines.delete(id);
  },
  run: (value, inputs) => {
    const job = value as DaliJob;
    return job.kind === 'run' ? runPieces(job, inputs) : join(job);
  },
});
