import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { DirectAnswer } from '@nereid/http';
import { ServiceError, validationError } from '../errors.ts';
import {
  type DirectService,
  jsonFailure,
  sendJsonError,
  type WholeRequest,
  type WireRequest,
  type WireService,
} from '../frontend/index.ts';
import type { AsyncInvocations } from './async-invocations.ts';
import { payloadPart, streamException } from './event-stream.ts';
import { InvocationReader, type InvokeOperation } from './invocation.ts';
import type { Invoker, ModelAnswer } from './invoker.ts';
import { holdBody, type OutgoingBody, piecesBody } from './request-body.ts';
import type { Caller } from './upstream-request.ts';

export interface RuntimeServiceOptions {
  readonly invoker: Invoker;
  readonly async: AsyncInvocations;
  readonly maxBodyBytes: number;
  readonly maxResponseBytes: number;
  readonly invocationTimeoutMs: number;
  readonly streamTimeoutMs: number;
}

const PATH = /^\/endpoints\/([^/]+)\/(invocations|invocations-response-stream|async-invocations)$/;
const OPERATIONS: Readonly<Record<string, InvokeOperation>> = {
  invocations: 'InvokeEndpoint',
  'invocations-response-stream': 'InvokeEndpointWithResponseStream',
  'async-invocations': 'InvokeEndpointAsync',
};
/** Bodies up to this size are checked before a container sees any of them. */
const HOLD_WINDOW_BYTES = 1024 * 1024;
const MAX_ASYNC_BODY_BYTES = 128_000;

/** What a container may say in headers to the caller, beside its Content-Type. */
const PASSED_ON = [
  'x-amzn-sagemaker-custom-attributes',
  'x-amzn-sagemaker-new-session-id',
  'x-amzn-sagemaker-closed-session-id',
];

/** `SageMakerRuntime`: InvokeEndpoint, InvokeEndpointWithResponseStream, InvokeEndpointAsync. */
export class RuntimeService implements WireService, DirectService {
  readonly #options: RuntimeServiceOptions;
  readonly #reader = new InvocationReader();

  constructor(options: RuntimeServiceOptions) {
    this.#options = options;
  }

  async handle(request: WireRequest, response: ServerResponse): Promise<void> {
    const [, endpointName, action = ''] = PATH.exec(request.rawPath) ?? [];
    const operation = OPERATIONS[action];
    if (endpointName === undefined || operation === undefined || request.method !== 'POST') {
      throw new ServiceError('UnknownOperationException', 'The requested operation is not recognized by the service.', {
        httpStatus: 404,
      });
    }
    const invocation = this.#reader.read(operation, decoded(endpointName), request.headers);
    if (operation === 'InvokeEndpointAsync') {
      const body = await request.body.bytes(MAX_ASYNC_BODY_BYTES, () => tooLarge(MAX_ASYNC_BODY_BYTES));
      this.#options.async.accept(invocation, body, response);
      return;
    }
    const { invoker, invocationTimeoutMs, streamTimeoutMs } = this.#options;
    const variant = invoker.choose(invocation);
    const body = await this.#hold(request);
    const isStream = operation === 'InvokeEndpointWithResponseStream';
    const answer = await invoker.invoke(variant, invocation, body, {
      timeoutMs: isStream ? streamTimeoutMs : invocationTimeoutMs,
      caller: clientOf(response),
    });
    if (isStream) await sendEvents(answer, response);
    else await this.#sendAnswer(answer, response);
  }

  /** InvokeEndpoint with a body in memory. */
  async answer({ rawPath, headers, body, caller }: WholeRequest): Promise<DirectAnswer> {
    const { invoker, invocationTimeoutMs: timeoutMs, maxResponseBytes } = this.#options;
    const [, endpointName = ''] = PATH.exec(rawPath) ?? [];
    const invocation = this.#reader.read('InvokeEndpoint', decoded(endpointName), headers);
    const variant = invoker.choose(invocation);
    const answer = await invoker.invoke(variant, invocation, piecesBody(body), { timeoutMs, caller });
    this.#assertAnswerSize(answer);
    const { message } = answer;
    const { whole, lengthBytes } = message;
    const rest = { status: 200, headers: answerHeaders(answer) };
    return whole
      ? { ...rest, body: whole }
      : { ...rest, body: message.body(), lengthBytes, maxBytes: maxResponseBytes };
  }

  fail(_request: { readonly id: string }, response: ServerResponse, error: unknown): void {
    const failure = jsonFailure(error);
    // Authentication is the gate's business and keeps its own codes; the runtime's model has ValidationError where others say ValidationException.
    sendJsonError(response, failure, 'Message');
  }

  #hold(request: WireRequest): Promise<OutgoingBody> {
    const { maxBodyBytes } = this.#options;
    return holdBody({
      body: request.body,
      windowBytes: HOLD_WINDOW_BYTES,
      maxBytes: maxBodyBytes,
      tooLarge: () => tooLarge(maxBodyBytes),
    });
  }

  async #sendAnswer(answer: ModelAnswer, response: ServerResponse): Promise<void> {
    this.#assertAnswerSize(answer);
    const { whole, lengthBytes } = answer.message;
    const length = whole?.length ?? lengthBytes;
    const headers = answerHeaders(answer);
    if (length !== undefined) headers.push('content-length', String(length));
    response.writeHead(200, headers);
    if (whole) response.end(whole);
    else await passBody(answer.message.body(), response, this.#options.maxResponseBytes);
  }

  /** Throws ValidationError, and lets the container go, when it announces more than may be answered. */
  #assertAnswerSize({ message }: ModelAnswer): void {
    const { maxResponseBytes } = this.#options;
    if ((message.whole?.length ?? message.lengthBytes ?? 0) <= maxResponseBytes) return;
    message.discard();
    throw validationError(`The model's response is larger than ${maxResponseBytes} bytes.`);
  }
}

/** The client of a response: gone when its connection closes before the response has ended. */
function clientOf(response: ServerResponse): Caller {
  return {
    onGone(leave) {
      const closed = (): void => {
        if (!response.writableFinished) leave();
      };
      response.once('close', closed);
      return () => response.off('close', closed);
    },
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function tooLarge(maxBytes: number): ServiceError {
  return validationError(
    `1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to ${maxBytes}`,
  );
}

/** Names and values in turns. */
function answerHeaders(answer: ModelAnswer): string[] {
  const headers = passedOn(answer);
  const type = answer.message.header('content-type');
  if (type !== undefined) headers.push('content-type', type);
  return headers;
}

/** All but the type of the content. */
function passedOn({ message, variantName }: ModelAnswer): string[] {
  const headers = ['x-amzn-invoked-production-variant', variantName];
  for (const name of PASSED_ON) {
    const value = message.header(name);
    if (value !== undefined) headers.push(name, value);
  }
  return headers;
}

/** Passes a container's body on with the speed of the slower side. A body that breaks off, or grows beyond the limit, breaks the client's off too. */
function passBody(message: Readable, response: ServerResponse, maxBytes: number): Promise<void> {
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      message.destroy();
      reject(new Error(why));
    };
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) fail(`the model's response is larger than ${maxBytes} bytes`);
      else if (!response.write(chunk)) message.pause();
    });
    message.once('end', () => {
      response.end();
      resolve();
    });
    message.once('error', reject);
    response.on('drain', () => message.resume());
  });
}

/** Each chunk that the container sends becomes one event; a break becomes an exception in the stream. */
async function sendEvents(answer: ModelAnswer, response: ServerResponse): Promise<void> {
  const { message } = answer;
  response.writeHead(200, [
    'content-type',
    'application/vnd.amazon.eventstream',
    'x-amzn-sagemaker-content-type',
    message.header('content-type') ?? 'application/octet-stream',
    ...passedOn(answer),
  ]);
  const send = async (pieces: readonly Uint8Array[]): Promise<void> => {
    let hasRoom = true;
    for (const piece of pieces) hasRoom = response.write(piece);
    if (!hasRoom && !response.destroyed) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  };
  try {
    for await (const chunk of message.body() as AsyncIterable<Buffer>) await send(payloadPart(chunk));
  } catch (error) {
    await send(brokenStream(error));
  }
  response.end();
}

function brokenStream(error: unknown): readonly Uint8Array[] {
  const isTimeout = error instanceof Error && error.message === 'timeout';
  return streamException('ModelStreamError', {
    Message: isTimeout
      ? 'The model did not complete its response in time.'
      : 'The model closed the connection before its response was complete.',
    ErrorCode: isTimeout ? 'ModelInvocationTimeExceeded' : 'StreamBroken',
  });
}
