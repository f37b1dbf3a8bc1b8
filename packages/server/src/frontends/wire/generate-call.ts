import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonValue, StatusError } from '@nereid/protocol';
import { Cancellation, type InferenceResponse, type ModelHandle, type ResponseHandler } from '../../inference/index.ts';
import { CallTrace, nowNs, takeTiming } from './call-trace.ts';
import type { ConnectionUser } from './connection-users.ts';
import { requestCoding } from './content-coding.ts';
import type { FrontendContext } from './context.ts';
import { readGenerateRequest } from './generate-request.ts';
import { generateResponse } from './generate-response.ts';
import { readJsonBody } from './json-body.ts';
import { errorBody, httpStatus, JSON_TYPE, sendError } from './reply.ts';

const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';
const EVENT_START = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');

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
  readonly #pending: Uint8Array[] = [];
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
    const fail = (error: StatusError): void => {
      this.#context.listener.unwatch(this.#req, this);
      sendError(this.#res, error);
    };
    readJsonBody(this.#context, this.#req, this.#res, { emptyAllowed: false, fail }, (document) =>
      this.#run(document!),
    );
  }

  #run(document: JsonValue): void {
    const { id, inputs, parameters } = readGenerateRequest(document, this.#model!, this.#context.limits.maxInputBytes);
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

  readonly #respond: ResponseHandler = (response, final) => {
    const shown = final && response !== undefined ? (this.#trace?.withTiming(response) ?? response) : response;
    const [status, body] = shown === undefined ? [200, undefined] : encode(shown);
    this.#status ??= status;
    if (body !== undefined) {
      if (this.#options.streaming) this.#event(body);
      else this.#pending.push(body);
    }
    if (final) this.#end();
  };

  #event(body: Uint8Array): void {
    if (!this.#open(EVENT_STREAM_TYPE)) return;
    this.#res.cork();
    this.#res.write(EVENT_START);
    this.#res.write(body);
    this.#res.write(EVENT_END);
    this.#res.uncork();
  }

  #end(): void {
    this.#context.listener.unwatch(this.#req, this);
    this.#trace?.mark('INFER_RESPONSE_COMPLETE');
    this.#trace?.mark('HTTP_SEND_START');
    this.#trace?.endWith(this.#res, 'HTTP_SEND_END');
    if (!this.#open(this.#options.streaming ? EVENT_STREAM_TYPE : JSON_TYPE)) return;
    if (!this.#options.streaming) this.#res.write(this.#onlyResponse());
    this.#res.end();
  }

  #onlyResponse(): Uint8Array {
    if (this.#pending.length === 1) return this.#pending[0]!;
    return errorBody(
      'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses',
    );
  }

  /** Sends the headers if that has not happened; false when the client has gone. */
  #open(contentType: string): boolean {
    if (this.#res.destroyed) return false;
    if (!this.#res.headersSent) this.#res.writeHead(this.#status ?? 200, ['Content-Type', contentType]);
    return true;
  }
}

function encode(response: InferenceResponse): [number, Uint8Array] {
  try {
    if (response.error !== undefined) throw response.error;
    return [200, generateResponse(response)];
  } catch (error) {
    const status = StatusError.from(error);
    return [httpStatus(status.code), errorBody(status.message)];
  }
}
