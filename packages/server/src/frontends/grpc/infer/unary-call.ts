import { StatusError } from '@nereid/protocol';
import { Cancellation, type InferenceResponse, type ResponseHandler } from '../../../inference/index.ts';
import { decodeInferRequest } from '../codec/infer-request.ts';
import type { GrpcContext } from '../context.ts';
import type { CallHandler, ServerCall } from '../transport/server-call.ts';
import { SingleMessage } from '../transport/single-message.ts';
import {
  notOneResponse,
  type PreparedRequest,
  prepareRequest,
  receivedNow,
  responseMessage,
  runRequest,
} from './prepared-request.ts';
import { parseVersion } from './version.ts';

/** One `ModelInfer` call. */
export class UnaryInferCall implements CallHandler {
  readonly #context: GrpcContext;
  readonly #call: ServerCall;
  readonly #receivedNs = receivedNow();
  readonly #cancellation = new Cancellation();
  readonly #message = new SingleMessage();
  #prepared: PreparedRequest | undefined;
  #response: InferenceResponse | undefined;
  #responseCount = 0;

  constructor(context: GrpcContext, call: ServerCall) {
    this.#context = context;
    this.#call = call;
  }

  message(message: Buffer): void {
    this.#message.set(message);
  }

  cancelled(): void {
    this.#cancellation.cancel();
  }

  halfClosed(): void {
    const { server, texts } = this.#context;
    const message = decodeInferRequest(this.#message.take(), texts);
    const version = parseVersion(message.modelVersion);
    const model = server.getModel(message.modelName, version);
    if (model.signature.decoupled) {
      throw new StatusError('UNSUPPORTED', "ModelInfer RPC doesn't support models with decoupled transaction policy");
    }
    this.#prepared = prepareRequest(
      this.#context,
      this.#call,
      message,
      model,
      version,
      this.#cancellation,
      this.#receivedNs,
    );
    runRequest(this.#context, this.#prepared, this.#respond);
  }

  readonly #respond: ResponseHandler = (response, final) => {
    if (response !== undefined) {
      this.#response = response;
      this.#responseCount++;
    }
    if (!final) return;
    try {
      this.#answer();
    } catch (error) {
      this.#call.fail(error);
    }
  };

  #answer(): void {
    const [response, prepared] = [this.#response, this.#prepared];
    // A call outlives its answer: nothing of the request, which may be large, is to wait for the client.
    this.#response = undefined;
    this.#prepared = undefined;
    if (this.#responseCount !== 1 || response === undefined) throw notOneResponse(this.#responseCount);
    if (response.error !== undefined) throw response.error;
    this.#call.answer(this.#context.encoder.response(responseMessage(prepared!, response)));
  }
}
