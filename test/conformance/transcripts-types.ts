import type { GrpcAnswer, GrpcRequest } from './grpc-client.ts';

/** The recorded files' shapes, as their README describes them. Only what the replay reads. */

export interface ServerSetup {
  readonly id: string;
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Model directories to copy, or 'all'. */
  readonly models: readonly string[] | 'all';
  /** Text appended to a model's config.pbtxt. */
  readonly patch?: Readonly<Record<string, string>>;
  /** model -> path in it -> contents. */
  readonly extra?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Absolute directory -> models inside. */
  readonly multiModel?: Readonly<Record<string, readonly string[]>>;
  /** `<hash>/<path>` -> contents, below that hash's `model` directory. */
  readonly multiModelFiles?: Readonly<Record<string, string>>;
}

/** An HTTP request, or with no `path` a gRPC call. */
export interface RecordedRequest extends Omit<GrpcRequest, 'waitMs'> {
  readonly path?: string;
  readonly port?: 'metrics' | 'sagemaker';
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string | null;
  readonly bodyGzipBase64?: string;
  readonly waitMs?: number;
}

export type Mask =
  | 'statistics'
  | 'metrics'
  | 'path'
  | 'compressed'
  | 'runtime-text'
  | 'map-order'
  | 'either-input'
  | 'timing'
  | 'input-list-order'
  | 'output-order';

export interface RecordedResponse extends GrpcAnswer {
  /** Set when the request killed the real server; ours has to answer 4xx. */
  readonly error?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string;
  readonly bodyText?: string;
  readonly decodedText?: string;
  readonly decodedBase64?: string;
  readonly bodyLength?: number;
  readonly bodySha256?: string;
  readonly mask?: readonly Mask[];
}

export interface Exchange {
  readonly name: string;
  readonly group?: string;
  readonly concurrentInGroup?: boolean;
  readonly startAfterMs?: number;
  readonly server: ServerSetup;
  readonly request: RecordedRequest;
  readonly response?: RecordedResponse;
  readonly response_2_73?: RecordedResponse;
}

export interface StartupResult {
  readonly started: boolean;
  readonly exit: number;
  readonly models: readonly { readonly model: string; readonly version: string; readonly status: string }[];
  readonly log: readonly string[];
}

export interface StartupEntry {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly directories: readonly string[];
  readonly copies: readonly string[];
  /** Model whose onnx file goes beside the patched configuration. */
  readonly modelFile?: string | Readonly<Record<string, string>>;
  readonly flags: readonly string[];
  readonly result: StartupResult;
  readonly result_2_73?: StartupResult;
}

/** What one entry came to. */
export interface Outcome {
  readonly file: string;
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'known-difference' | 'left-out';
  /** Why it failed, differs or was left out. */
  readonly detail?: string;
}
