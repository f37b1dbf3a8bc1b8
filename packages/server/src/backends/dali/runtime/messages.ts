import type { ElementType } from '../format/index.ts';

/** Given to every worker thread when it starts. */
export interface WorkerSettings {
  readonly maxImagePixels: number;
  readonly maxMemoryBytes: number;
  /** Bound on one output of one request. */
  readonly maxOutputBytes: number;
}

/** Consecutive samples of one request for one worker. The inputs' bytes travel as the job's inputs, source by source. */
export interface Piece {
  readonly firstSample: number;
  readonly sampleCount: number;
  /** Samples that the output buffers have room for: all of the request in its first piece, which the others are joined to. */
  readonly capacity: number;
  /** Per source of the pipeline. */
  readonly inputs: readonly { readonly type: ElementType; readonly shape: readonly number[] }[];
}

/** Outputs of a piece; the buffer holds `capacity` samples, of which the piece's are filled. */
export interface PieceOutput {
  readonly type: ElementType;
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly buffer: ArrayBuffer;
  readonly sampleBytes: number;
}

/** `error` is the text for the client, without a prefix. */
export type PieceResult = { readonly outputs: readonly PieceOutput[] } | { readonly error: string };

/** `run`: the pipeline `context` over pieces. `join`: appends buffers to the first one, which has room for them. */
export type DaliJob =
  | { readonly kind: 'run'; readonly context: number; readonly pieces: readonly Piece[] }
  | {
      readonly kind: 'join';
      readonly target: ArrayBuffer;
      readonly parts: readonly { readonly buffer: ArrayBuffer; readonly offset: number; readonly byteLength: number }[];
    };
