import { fromBinary } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { type ModelStreamInferResponse, ModelStreamInferResponseSchema } from '@nereid/protocol/grpc-service';
import type { InferRequest, InferResult, ModelRef } from '../api/index.ts';
import type { CallScope } from '../call/index.ts';
import { InferenceServerError } from '../errors/index.ts';
import { grpcFailure } from './errors.ts';
import { encodeInferMessage, resultOf, unreadable } from './infer-messages.ts';

/** One message of a stream: a result, or the error of one request; the stream goes on after both. */
export type StreamAnswer =
  | {
      /** The request's id. */
      readonly id: string;
      readonly result: InferResult;
      readonly error?: undefined;
      /** True for a request's last response, where the server says so (`triton_enable_empty_final_response`, decoupled models). */
      readonly final: boolean;
    }
  | {
      readonly id: string;
      readonly result?: undefined;
      readonly error: InferenceServerError;
      readonly final: boolean;
    };

const FINAL_PARAMETER = 'triton_final_response';

/**
 * A stream of inferences both ways: any number of requests, for any models, and their responses as they come. Answers of different requests
 * may come in any order; give requests an `id` to tell them apart. Iterate it once; leaving the loop ends the stream.
 */
export class InferStream implements AsyncIterable<StreamAnswer> {
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #scope: CallScope;
  /** Outputs in shared memory of the requests that were sent, all together: a response does not say which request it answers. */
  readonly #sharedOutputs = new Set<string>();
  #failure: InferenceServerError | undefined;
  #closed = false;

  constructor(call: ClientDuplexStream<Uint8Array, Uint8Array>, scope: CallScope) {
    this.#call = call;
    this.#scope = scope;
    const cancel = (): void => call.cancel();
    scope.signal.addEventListener('abort', cancel, { once: true });
    call.on('error', (error) => {
      this.#failure ??= scope.failure(grpcFailure(error));
    });
    call.on('status', () => {
      this.#closed = true;
      scope.signal.removeEventListener('abort', cancel);
      scope.end();
    });
  }

  /**
   * Sends a request; resolves when there is room for the next one. Rejects with InferenceServerError when the request is wrong or the stream
   * is over. What the model says comes out of the iteration.
   */
  async send(model: ModelRef, request: InferRequest): Promise<void> {
    const { bytes, sharedOutputs } = encodeInferMessage(model, request);
    this.#throwIfOver();
    for (const name of sharedOutputs) this.#sharedOutputs.add(name);
    if (this.#call.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#call.off('drain', go);
        this.#call.off('status', go);
        resolve();
      };
      this.#call.once('drain', go);
      this.#call.once('status', go);
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Says that no more requests come; the iteration ends after the last response. */
  end(): void {
    if (!this.#closed) this.#call.end();
  }

  /** Ends the stream at once. */
  cancel(): void {
    this.#call.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamAnswer, void, undefined> {
    try {
      for await (const bytes of this.#call as AsyncIterable<Uint8Array>) yield this.#answer(bytes);
    } catch (error) {
      throw this.#failure ?? this.#scope.failure(grpcFailure(error));
    } finally {
      this.#call.cancel();
    }
    // A failure from before the iteration began is not in the stream any more.
    if (this.#failure !== undefined) throw this.#failure;
  }

  #throwIfOver(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed || this.#call.writableEnded) {
      throw new InferenceServerError('INVALID_ARG', 'the stream is over', { notSent: true });
    }
  }

  #answer(bytes: Uint8Array): StreamAnswer {
    try {
      return this.#toAnswer(fromBinary(ModelStreamInferResponseSchema, bytes));
    } catch (error) {
      throw unreadable(error);
    }
  }

  #toAnswer({ errorMessage, inferResponse }: ModelStreamInferResponse): StreamAnswer {
    const id = inferResponse?.id ?? '';
    if (errorMessage !== '') return { id, error: new InferenceServerError('UNKNOWN', errorMessage), final: false };
    if (inferResponse === undefined) throw new TypeError('the message holds neither a response nor an error');
    const result = resultOf(inferResponse, this.#sharedOutputs);
    return { id, result, final: result.parameters[FINAL_PARAMETER] === true };
  }
}
