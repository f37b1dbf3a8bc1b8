import { serveJobs } from '../pool/serve-jobs.ts';

const contexts = new Map<number, unknown>();

/** A worker for tests of the pool: what it does is said in the job. */
serveJobs({
  setContext: (id, value) => {
    contexts.set(id, value);
  },
  forgetContext: (id) => {
    contexts.delete(id);
  },
  run: (value, inputs) => {
    const job = value as { readonly kind: string; readonly context?: number };
    switch (job.kind) {
      case 'sum':
        return { value: inputs.map((input) => input.reduce((sum, byte) => sum + byte, 0)) };
      case 'context':
        return { value: contexts.get(job.context ?? 0) };
      case 'buffer': {
        const buffer = new ArrayBuffer(4);
        return { value: buffer, transfer: [buffer] };
      }
      case 'fail':
        throw new RangeError('no such luck');
      case 'hang':
        return new Promise(() => {});
      default:
        process.exit(3);
    }
  },
});
