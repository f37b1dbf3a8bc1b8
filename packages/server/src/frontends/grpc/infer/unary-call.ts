import { StatusError } from '@nereid/protocol';
import { Cancellation, type InferenceResponse, type ResponseHandler } from '../../../inference/index.ts';
import { countLongBytes, hasLongBytes } from '../../wire/long-bytes.ts';
import { decodeInferRequest, type InferRequestMessage } from '../codec/infer-request.ts';
import type { InferResponseMessage } from '../codec/infer-response.ts';
import type { GrpcContext } from '../context.ts';
import type { CallHandler, ServerCall } from '../transport/server-call.ts';
import { SingleMessage } from '../transport/single-message.ts';
import { hasLongContents, prepareContents } from './inputs.ts';
import {
  notOneResponse,
  type PreparedRequest,
  prepareRequest,
  receivedNow,
  runRequest,
  unclassifiedMessage,
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
    const { texts, slices, limits } = this.#context;
    const message = decodeInferRequest(this.#message.take(), texts);
    if (!hasLongContents(message)) {
      this.#start(message);
      return;
    }
    const steps = prepareContents(message, limits.maxMessageBytes);
    slices.run(
      () => steps.next().done === true,
      (error) =>
        this.#later(() => {
          if (error !== undefined) throw error;
          this.#start(message);
        }),
    );
  }

  /** What is done in a later turn fails the call where it throws. */
  #later(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#call.fail(error);
    }
  }

  #start(message: InferRequestMessage): void {
    const { server } = this.#context;
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
    const { request } = this.#prepared;
    if (!hasLongBytes(request.inputs)) {
      runRequest(this.#context, this.#prepared, this.#respond);
      return;
    }
    countLongBytes(this.#context.slices, request.inputs, (inputs) => {
      const counted = { ...this.#prepared!, request: { ...request, inputs } };
      this.#later(() => runRequest(this.#context, counted, this.#respond));
    });
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
    const { plan, model } = prepared!;
    const message = unclassifiedMessage(prepared!, response);
    const { outputs } = message;
    if (!plan.classifiesMany(outputs)) {
      const classified = plan.classified(outputs, model);
      this.#send(classified === outputs ? message : { ...message, outputs: classified });
      return;
    }
    plan.classifyInSlices(this.#context.slices, outputs, model, (error, classified) =>
      this.#later(() => {
        if (error !== undefined) throw error;
        this.#send({ ...message, outputs: classified });
      }),
    );
  }

  #send(message: InferResponseMessage): void {
    this.#call.answer(this.#context.encoder.response(message));
  }
}
