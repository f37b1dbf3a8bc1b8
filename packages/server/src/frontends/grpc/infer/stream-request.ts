import { StatusError } from '@nereid/protocol';
import {
  Cancellation,
  type InferenceResponse,
  type ParameterValue,
  type ResponseHandler,
} from '../../../inference/index.ts';
import { decodeInferRequest, type InferRequestMessage } from '../codec/infer-request.ts';
import type { InferResponseMessage } from '../codec/infer-response.ts';
import type { GrpcContext } from '../context.ts';
import type { EncodedMessage } from '../transport/encoded-message.ts';
import type { ServerCall } from '../transport/server-call.ts';
import { hasLongContents, prepareContents } from './inputs.ts';
import {
  notOneResponse,
  type PreparedRequest,
  prepareRequest,
  receivedNow,
  responseMessage,
  runRequest,
} from './prepared-request.ts';
import type { StreamInferCall } from './stream-call.ts';
import { parseVersion } from './version.ts';

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** One request of a `ModelStreamInfer` call. */
export class StreamRequest {
  readonly #context: GrpcContext;
  readonly #call: ServerCall;
  readonly #stream: StreamInferCall;
  readonly #receivedNs = receivedNow();
  readonly #cancellation = new Cancellation();
  #message: InferRequestMessage | undefined;
  #prepared: PreparedRequest | undefined;
  #decoupled = false;
  #response: InferenceResponse | undefined;
  #responseCount = 0;
  #complete = false;
  #answer: EncodedMessage | undefined;

  constructor(context: GrpcContext, call: ServerCall, stream: StreamInferCall) {
    this.#context = context;
    this.#call = call;
    this.#stream = stream;
  }

  /** For a model that gives one response: whether it is there. */
  get complete(): boolean {
    return this.#complete;
  }

  get answer(): EncodedMessage | undefined {
    return this.#answer;
  }

  cancel(): void {
    this.#cancellation.cancel();
  }

  /** Runs the request, or refuses it with `refusal`. Throws ProtoError for what is no message. */
  start(bytes: Buffer, refusal: StatusError | undefined): void {
    const { server, texts } = this.#context;
    const message = decodeInferRequest(bytes, texts);
    this.#message = message;
    // Requests of a stream keep their order, so this one is read to its end before the next.
    if (hasLongContents(message)) for (const _step of prepareContents(message, this.#context.limits.maxMessageBytes));
    let queued = false;
    try {
      if (refusal !== undefined) throw refusal;
      const version = parseVersion(message.modelVersion);
      const model = server.getModel(message.modelName, version);
      this.#decoupled = model.signature.decoupled;
      if (!this.#decoupled) this.#enqueue();
      queued = true;
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
    } catch (error) {
      if (!queued) this.#enqueue();
      this.#refuse(StatusError.from(error));
    }
  }

  #enqueue(): void {
    this.#stream.enqueue(this);
  }

  readonly #respond: ResponseHandler = (response, final) => {
    if (this.#call.over || this.#complete) return;
    if (this.#decoupled) this.#respondDecoupled(response, final);
    else this.#respondOnce(response, final);
  };

  #respondDecoupled(response: InferenceResponse | undefined, final: boolean): void {
    if (response !== undefined) {
      const message = this.#encode(response, final);
      if (message === undefined) return;
      this.#stream.send(message);
    } else if (final && this.#prepared!.emptyFinalResponse) {
      this.#stream.send(this.#context.encoder.streamResponse({ ...this.#about(), finalResponse: true }));
    }
    if (final) this.#finish();
  }

  #respondOnce(response: InferenceResponse | undefined, final: boolean): void {
    if (response !== undefined) {
      this.#response = response;
      this.#responseCount++;
    }
    if (!final) return;
    if (this.#responseCount > 1) {
      this.#answer = this.#encodeError(notOneResponse(this.#responseCount), true);
    } else if (this.#response !== undefined) {
      this.#answer = this.#encode(this.#response, true);
      if (this.#answer === undefined) return;
    }
    this.#finish();
  }

  /** Undefined: the response is an error that ended the stream. */
  #encode(response: InferenceResponse, final: boolean): EncodedMessage | undefined {
    try {
      if (response.error !== undefined) throw response.error;
      return this.#context.encoder.streamResponse(responseMessage(this.#prepared!, response, final));
    } catch (error) {
      return this.#encodeError(StatusError.from(error), final);
    }
  }

  #encodeError(error: StatusError, final: boolean): EncodedMessage | undefined {
    if (this.#stream.failed(error)) return undefined;
    return this.#context.encoder.streamError(error.message, { ...this.#about(), finalResponse: final });
  }

  /** An error before the request was queued: it always comes in band, with nothing but the id. */
  #refuse(error: StatusError): void {
    const answer = this.#context.encoder.streamError(error.message, {
      ...this.#about(),
      modelName: '',
      modelVersion: '',
    });
    if (this.#decoupled) this.#stream.send(answer);
    else this.#answer = answer;
    this.#finish();
  }

  #finish(): void {
    this.#complete = true;
    this.#stream.done(this);
  }

  /** A response without contents: whose it is. */
  #about(): InferResponseMessage {
    const { id, modelName, modelVersion } = this.#message!;
    return { id, modelName, modelVersion, parameters: NO_PARAMETERS, outputs: [] };
  }
}
