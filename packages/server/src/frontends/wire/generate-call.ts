import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonValue, StatusError, type Tensor } from '@nereid/protocol';
import { Cancellation, type InferenceResponse, type ModelHandle, type ResponseHandler } from '../../inference/index.ts';
import { CallTrace, nowNs, takeTiming } from './call-trace.ts';
import type { ConnectionUser } from './connection-users.ts';
import { requestCoding } from './content-coding.ts';
import type { FrontendContext } from './context.ts';
import { type GenerateRequest, GenerateRequestReading } from './generate-request.ts';
import { GenerateResponseEncoding } from './generate-response.ts';
import { readJsonBody } from './json-body.ts';
import { countLongBytes, hasLongBytes } from './long-bytes.ts';
import { errorBody, httpStatus, JSON_TYPE, sendError } from './reply.ts';

const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';
const EVENT_START = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const MANY_RESPONSES =
  'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses';

export interface GenerateOptions {
  /** Server-sent events, one for each response, instead of one object. */
  readonly streaming: boolean;
  /** Packed bodies are refused; where this is false, `Content-Encoding` is not looked at. */
  readonly readsCodings: boolean;
}

/** One request of the generate extension: flat JSON in, flat JSON or server-sent events out, in chunks. */
export class GenerateCall implements ConnectionUser {
  readonly #context: FrontendContext;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: GenerateOptions;
  readonly #receivedNs: number;
  readonly #cancellation = new Cancellation();
  #model: ModelHandle | undefined;
  #modelVersion = -1;
  /** Status of the answer: that of the first response, whatever follows. */
  #status: number | undefined;
  /** Responses of a call that is not streamed; it has to have exactly one. */
  readonly #pending: (readonly Uint8Array[])[] = [];
  /** Responses that are not written yet, behind the one that is being written in slices. */
  readonly #responses: InferenceResponse[] = [];
  #encoding = false;
  #final = false;
  #trace: CallTrace | undefined;

  constructor(context: FrontendContext, req: IncomingMessage, res: ServerResponse, options: GenerateOptions) {
    this.#receivedNs = nowNs();
    this.#context = context;
    this.#req = req;
    this.#res = res;
    this.#options = options;
  }

  connectionLost(): void {
    this.#cancellation.cancel();
  }

  start(modelName: string, modelVersion: number): void {
    try {
      this.#model = this.#context.server.getModel(modelName, modelVersion);
      this.#modelVersion = modelVersion;
      const { readsCodings } = this.#options;
      if (readsCodings && requestCoding(this.#req.headers['content-encoding']) !== 'identity') {
        throw new StatusError('INVALID_ARG', "Unsupported content-encoding, only 'identity' is supported.");
      }
    } catch (error) {
      sendError(this.#res, StatusError.from(error));
      return;
    }
    this.#context.listener.watch(this.#req, this);
    const fail = (error: StatusError): void => this.#fail(error);
    readJsonBody(this.#context, this.#req, this.#res, { emptyAllowed: false, longTexts: true, fail }, (document) =>
      this.#read(document!),
    );
  }

  #read(document: JsonValue): void {
    const { slices, limits } = this.#context;
    const reading = new GenerateRequestReading(document, this.#model!, limits.maxInputBytes);
    slices.run(
      () => reading.step(),
      (error) => {
        if (error !== undefined) this.#fail(error);
        else if (hasLongBytes(reading.inputs))
          countLongBytes(slices, reading.inputs, (inputs) => this.#run(reading, inputs));
        else this.#run(reading, reading.inputs);
      },
    );
  }

  #run(request: GenerateRequest, inputs: readonly Tensor[]): void {
    if (this.#cancellation.cancelled) return;
    try {
      this.#infer(request, inputs);
    } catch (error) {
      this.#fail(error);
    }
  }

  #infer({ id, parameters }: GenerateRequest, inputs: readonly Tensor[]): void {
    const { server, tracer } = this.#context;
    const timing = takeTiming(parameters, this.#req.headers);
    this.#trace = CallTrace.begin(tracer, this.#model!.name, this.#req.headers, timing);
    this.#trace?.mark('HTTP_RECV_START', this.#receivedNs);
    this.#trace?.mark('HTTP_RECV_END');
    server.infer(
      {
        id,
        modelName: this.#model!.name,
        modelVersion: this.#modelVersion,
        inputs,
        requestedOutputs: [],
        parameters,
        correlationId: 0n,
        sequenceStart: false,
        sequenceEnd: false,
        priority: 0,
        timeoutMicros: 0,
        cancellation: this.#cancellation,
        receivedNs: this.#receivedNs,
        trace: this.#trace?.trace,
      },
      this.#respond,
    );
  }

  #fail(error: unknown): void {
    this.#context.listener.unwatch(this.#req, this);
    sendError(this.#res, StatusError.from(error));
  }

  readonly #respond: ResponseHandler = (response, final) => {
    if (final) this.#final = true;
    const shown = final && response !== undefined ? (this.#trace?.withTiming(response) ?? response) : response;
    if (shown !== undefined) this.#responses.push(shown);
    if (!this.#encoding) this.#encodeAll();
  };

  /** Writes the responses that are there, in their order; goes on in later turns where one is long. */
  #encodeAll(): void {
    for (let response = this.#responses.shift(); response !== undefined; response = this.#responses.shift()) {
      if (!this.#encode(response)) return;
    }
    if (this.#final) this.#end();
  }

  /** False when the response is not written yet. */
  #encode(response: InferenceResponse): boolean {
    if (response.error !== undefined) {
      this.#failed(response.error);
      return true;
    }
    const encoding = new GenerateResponseEncoding(response);
    let complete = false;
    try {
      complete = encoding.step();
    } catch (error) {
      this.#failed(error);
      return true;
    }
    if (complete) this.#encoded(200, encoding.parts);
    else this.#encodeInSlices(encoding);
    return complete;
  }

  #encodeInSlices(encoding: GenerateResponseEncoding): void {
    this.#encoding = true;
    this.#context.slices.run(
      () => this.#cancellation.cancelled || encoding.step(),
      (error) => {
        this.#encoding = false;
        if (error === undefined) this.#encoded(200, encoding.parts);
        else this.#failed(error);
        this.#encodeAll();
      },
    );
  }

  #failed(error: unknown): void {
    const status = StatusError.from(error);
    this.#encoded(httpStatus(status.code), [errorBody(status.message)]);
  }

  #encoded(status: number, parts: readonly Uint8Array[]): void {
    this.#status ??= status;
    if (this.#options.streaming) this.#event(parts);
    else this.#pending.push(parts);
  }

  #event(parts: readonly Uint8Array[]): void {
    if (!this.#open(EVENT_STREAM_TYPE)) return;
    this.#res.cork();
    this.#res.write(EVENT_START);
    for (const part of parts) this.#res.write(part);
    this.#res.write(EVENT_END);
    this.#res.uncork();
  }

  #end(): void {
    this.#context.listener.unwatch(this.#req, this);
    this.#trace?.mark('INFER_RESPONSE_COMPLETE');
    this.#trace?.mark('HTTP_SEND_START');
    this.#trace?.endWith(this.#res, 'HTTP_SEND_END');
    if (!this.#open(this.#options.streaming ? EVENT_STREAM_TYPE : JSON_TYPE)) return;
    if (!this.#options.streaming) for (const part of this.#onlyResponse()) this.#res.write(part);
    this.#res.end();
  }

  #onlyResponse(): readonly Uint8Array[] {
    if (this.#pending.length === 1) return this.#pending[0]!;
    return [errorBody(MANY_RESPONSES)];
  }

  /** Sends the headers if that has not happened; false when the client has gone. */
  #open(contentType: string): boolean {
    if (this.#res.destroyed) return false;
    if (!this.#res.headersSent) this.#res.writeHead(this.#status ?? 200, ['Content-Type', contentType]);
    return true;
  }
}
