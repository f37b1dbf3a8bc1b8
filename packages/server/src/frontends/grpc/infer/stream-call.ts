import { StatusError } from '@nereid/protocol';
import type { GrpcContext } from '../context.ts';
import type { EncodedMessage } from '../transport/encoded-message.ts';
import type { CallHandler, ServerCall } from '../transport/server-call.ts';
import { OK } from '../transport/status.ts';
import { StreamRequest } from './stream-request.ts';

/** Metadata by which a client asks for real statuses instead of errors in band. */
const GRPC_ERROR_HEADER = 'triton_grpc_error';

/** One `ModelStreamInfer` call: requests in, responses out, for as long as the client keeps it open. */
export class StreamInferCall implements CallHandler {
  readonly #context: GrpcContext;
  readonly #call: ServerCall;
  readonly #closesOnError: boolean;
  readonly #inFlight = new Set<StreamRequest>();
  /** Requests to models that give one response each, in the order in which they came: it is the order of their answers. */
  readonly #ordered: StreamRequest[] = [];
  #halfClosed = false;
  #stopping = false;

  constructor(context: GrpcContext, call: ServerCall) {
    this.#context = context;
    this.#call = call;
    this.#closesOnError = call.headers[GRPC_ERROR_HEADER] === 'true';
  }

  message(message: Buffer): void {
    const request = new StreamRequest(this.#context, this.#call, this);
    this.#inFlight.add(request);
    request.start(message, this.#stopping ? stoppingError() : undefined);
    this.#throttle();
  }

  halfClosed(): void {
    this.#halfClosed = true;
    this.#finishIfDone();
  }

  cancelled(): void {
    for (const request of this.#inFlight) request.cancel();
    this.#inFlight.clear();
    this.#ordered.length = 0;
  }

  drained(): void {
    this.#throttle();
  }

  stopping(): void {
    this.#stopping = true;
    this.#finishIfDone();
  }

  /** Keeps the place of a request whose answer must not overtake those before it. */
  enqueue(request: StreamRequest): void {
    this.#ordered.push(request);
  }

  send(message: EncodedMessage): void {
    this.#call.send(message);
  }

  /** The request has nothing more to say. */
  done(request: StreamRequest): void {
    this.#inFlight.delete(request);
    while (this.#ordered[0]?.complete === true) {
      const { answer } = this.#ordered.shift()!;
      if (answer !== undefined) this.#call.send(answer);
    }
    this.#throttle();
    this.#finishIfDone();
  }

  /** An error after the request was queued; true when that ends the stream. */
  failed(error: StatusError): boolean {
    if (!this.#closesOnError) return false;
    this.#call.fail(error);
    this.cancelled();
    return true;
  }

  #finishIfDone(): void {
    if (this.#inFlight.size > 0 || this.#ordered.length > 0) return;
    if (this.#halfClosed) this.#call.finish(OK);
    else if (this.#stopping) this.#call.fail(stoppingError());
  }

  /** Reads no more while a client does not take its answers, or has asked for too much at once. */
  #throttle(): void {
    const { maxStreamRequests, maxUnsentBytes } = this.#context.limits;
    const busy = this.#inFlight.size >= maxStreamRequests || this.#call.unsentBytes > maxUnsentBytes;
    if (busy && !this.#call.paused) this.#call.pause();
    else if (!busy && this.#call.paused) this.#call.resume();
  }
}

function stoppingError(): StatusError {
  return new StatusError('UNAVAILABLE', 'GRPC server is shutting down and has stopped accepting new requests.');
}
