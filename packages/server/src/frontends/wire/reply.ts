import { ByteWriter, type StatusCode, type StatusError } from '@nereid/protocol';
import type { WireRequest, WireResponse } from './direct-exchange.ts';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain';

/** HTTP status of each neutral code, as Triton maps them. */
const HTTP_STATUS: Readonly<Record<StatusCode, number>> = {
  INTERNAL: 500,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
  UNSUPPORTED: 501,
  UNKNOWN: 400,
  INVALID_ARG: 400,
  ALREADY_EXISTS: 400,
  CANCELLED: 400,
};

export function httpStatus(code: StatusCode): number {
  return HTTP_STATUS[code];
}

/** `{"error":"…"}` as Triton writes it. */
export function errorBody(message: string): Uint8Array {
  const writer = new ByteWriter(message.length + 32);
  writer.ascii('{"error":');
  writer.string(message);
  writer.byte(125);
  return writer.view();
}

/** Answers up to this size go out as one string together with the headers; larger ones as buffers of their own. */
export const ONE_WRITE_BYTES = 16_384;

/** Sends a complete answer. `headers` are pairs in one flat list, without Content-Length. Does nothing when the client has gone. */
export function send(res: WireResponse, status: number, headers: readonly string[], body: Uint8Array): void {
  if (res.destroyed || res.headersSent) return;
  res.writeHead(status, [...headers, 'Content-Length', String(body.byteLength)]);
  if (body.byteLength === 0) {
    res.end();
  } else if (body.byteLength <= ONE_WRITE_BYTES) {
    // latin1 maps bytes to characters one to one; Node then writes headers and body at once.
    const view = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    res.end(view.toString('latin1'), 'latin1');
  } else {
    res.end(body);
  }
}

/** Sends a JSON part and what stands behind it without copying the parts together. */
export function sendParts(
  res: WireResponse,
  status: number,
  headers: readonly string[],
  parts: readonly Uint8Array[],
): void {
  if (res.destroyed || res.headersSent) return;
  let length = 0;
  for (const part of parts) length += part.byteLength;
  if (length <= ONE_WRITE_BYTES) {
    send(res, status, headers, Buffer.concat(parts, length));
    return;
  }
  res.writeHead(status, [...headers, 'Content-Length', String(length)]);
  res.cork();
  for (const part of parts) res.write(part);
  res.end();
}

const JSON_HEADERS: readonly string[] = ['Content-Type', JSON_TYPE];
const TEXT_HEADERS: readonly string[] = ['Content-Type', TEXT_TYPE];
const NO_BODY = new Uint8Array(0);

export function sendJson(res: WireResponse, status: number, body: string | Uint8Array): void {
  send(res, status, JSON_HEADERS, typeof body === 'string' ? Buffer.from(body) : body);
}

/** An answer without a body; Triton labels it `text/plain` unless the route says JSON. */
export function sendEmpty(res: WireResponse, status: number, contentType: string = TEXT_TYPE): void {
  send(res, status, contentType === TEXT_TYPE ? TEXT_HEADERS : ['Content-Type', contentType], NO_BODY);
}

export function sendError(res: WireResponse, error: StatusError, extraHeaders: readonly string[] = []): void {
  const headers = extraHeaders.length === 0 ? JSON_HEADERS : [...extraHeaders, ...JSON_HEADERS];
  send(res, httpStatus(error.code), headers, errorBody(error.message));
}

export function sendErrorText(res: WireResponse, status: number, message: string): void {
  send(res, status, JSON_HEADERS, errorBody(message));
}

/** Bodies up to this size are read to their end and dropped, so that the client sees its answer and keeps its connection. */
const MAX_DROPPED_BYTES = 1024 ** 3;

/** Answers a request whose body is still on its way. */
export function sendEarly(req: WireRequest, res: WireResponse, answer: () => void): void {
  const announced = req.headers['content-length'];
  if (!req.complete && (announced === undefined || Number(announced) > MAX_DROPPED_BYTES)) res.shouldKeepAlive = false;
  answer();
}

export function methodNotAllowed(res: WireResponse): void {
  sendErrorText(res, 405, 'Method Not Allowed');
}
