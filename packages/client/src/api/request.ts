import type { InferInput, SharedMemoryRange } from '../tensor/index.ts';

/** A model's name, or its name and a version. Without a version the server chooses, by the model's version policy. */
export type ModelRef = string | { readonly name: string; readonly version?: number | string };

/** Value of a custom parameter. Numbers without fraction are sent as integers, others as doubles. */
export type ParameterValue = string | number | bigint | boolean;

/** How one output is wanted. A plain string asks for the tensor itself. */
export interface RequestedOutput {
  readonly name: string;
  /** Ask for the so many best classes instead of the tensor; see `OutputTensor.classes`. */
  readonly classes?: number;
  /** Have the server write the tensor to shared memory instead of sending it. */
  readonly sharedMemory?: SharedMemoryRange;
}

/** Place of a request in a sequence, for models that keep state between requests. */
export interface SequencePosition {
  /** Which sequence: a number from 1 to 2^64-1, or a text of at most 128 bytes. */
  readonly id: number | bigint | string;
  readonly start?: boolean;
  readonly end?: boolean;
}

/** One inference. */
export interface InferRequest {
  readonly inputs: readonly InferInput[];
  /** Absent or empty: all outputs. */
  readonly outputs?: readonly (string | RequestedOutput)[];
  /** Comes back in the result, and stands in the server's messages and traces. */
  readonly id?: string;
  readonly sequence?: SequencePosition;
  /** 1 is the highest; 0 or absent: the model's default. Takes effect with models that have priority levels. */
  readonly priority?: number;
  /** How long the request may wait in the server's queue, in microseconds. Takes effect where the model's queue policy allows it. */
  readonly timeoutMicros?: number;
  /** Custom parameters. Names that begin with `triton_` are the server's. */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /**
   * HTTP: false sends and asks for JSON instead of binary contents, for servers or gateways that know no other. FP16 and BF16 have no JSON
   * form. Default true. gRPC contents are always binary.
   */
  readonly binary?: boolean;
}

/** Options of any call. */
export interface CallOptions {
  /** Ends the call: InferenceServerError CANCELLED. A server that supports it stops working on it. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED, retries included. For a stream: until its end. */
  readonly deadlineMs?: number;
  /** HTTP headers or gRPC metadata, on top of the client's. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a body is packed. */
export type Compression = 'gzip' | 'deflate';

/** Options of an inference. */
export interface InferOptions extends CallOptions {
  /**
   * True: running this twice does no harm, so it may be sent again after a failure that leaves open whether it ran. Default false: an
   * inference is sent again only when it surely never left.
   */
  readonly idempotent?: boolean;
  /** Packs the request. */
  readonly requestCompression?: Compression;
  /** HTTP: asks for a packed response. With gRPC the server's own setting decides. */
  readonly responseCompression?: Compression;
}
