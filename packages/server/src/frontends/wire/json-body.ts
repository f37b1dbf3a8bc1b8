import type { IncomingMessage, ServerResponse } from 'node:http';
import { JsonReader, type JsonValue, StatusError, StringTable } from '@nereid/protocol';
import { type Body, BodyReader } from './body-reader.ts';
import type { FrontendContext } from './context.ts';
import { sendEarly, sendError } from './reply.ts';
import { SLICE_BYTES } from './slice-runner.ts';

/** What a handler is given: the document, undefined for an empty body. */
export type JsonHandler = (document: JsonValue | undefined) => void | Promise<void>;

export interface JsonBodyOptions {
  /** An empty body is no error and comes as undefined. */
  readonly emptyAllowed: boolean;
  /** Long strings come as JsonLongText. */
  readonly longTexts?: boolean;
  readonly fail?: (error: StatusError) => void;
}

/** Reads a request's body as JSON and hands it to `handle`; errors, those `handle` throws included, are answered with `fail`. */
export function readJsonBody(
  context: FrontendContext,
  req: IncomingMessage,
  res: ServerResponse,
  options: JsonBodyOptions,
  handle: JsonHandler,
): void {
  const fail = (error: unknown): void => {
    const status = StatusError.from(error);
    sendEarly(req, res, () => (options.fail ?? ((failure) => sendError(res, failure)))(status));
  };
  const finish = (document: JsonValue | undefined): void => {
    try {
      const outcome = handle(document);
      if (outcome instanceof Promise) outcome.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  const { maxInputBytes } = context.limits;
  const announced = Number(req.headers['content-length'] ?? 0);
  if (announced > maxInputBytes) {
    fail(tooLarge(announced, maxInputBytes));
    return;
  }
  const parse = (error: StatusError | undefined, body: Body): void => {
    if (error !== undefined) fail(error);
    else if (body.bytes.length > maxInputBytes) fail(tooLarge(body.bytes.length, maxInputBytes));
    else if (body.bytes.length === 0 && options.emptyAllowed) finish(undefined);
    else parseJson(context, body, options.longTexts ?? false, fail, finish);
  };
  new BodyReader(req, context, parse);
}

/** Deeper arrays and objects than any request has, those of an input of 100 dimensions included, are checked and left empty. */
const MAX_DEPTH = 102;

function isWanted(depth: number): boolean {
  return depth <= MAX_DEPTH;
}

function parseJson(
  context: FrontendContext,
  body: Body,
  longTexts: boolean,
  fail: (error: unknown) => void,
  finish: (document: JsonValue) => void,
): void {
  try {
    const reader = new JsonReader(withZero(body), 0, { strings: new StringTable(), longTexts, isWanted });
    context.slices.run(
      () => reader.run(SLICE_BYTES),
      (error) => {
        body.release?.();
        if (error === undefined) finish(reader.root);
        else fail(error);
      },
    );
  } catch (error) {
    fail(error);
  }
}

/** The text with a zero byte behind it. */
function withZero({ bytes, padded }: Body): Uint8Array {
  if (padded) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength + 1);
  const copy = new Uint8Array(bytes.byteLength + 1);
  copy.set(bytes);
  return copy;
}

function tooLarge(jsonBytes: number, maxBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request JSON size of ${jsonBytes} bytes exceeds the maximum allowed input size of ${maxBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}
