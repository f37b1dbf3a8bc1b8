import { type Coding, responseCoding } from '../wire/content-coding.ts';
import type { WireRequest } from '../wire/direct-exchange.ts';
import { JSON_TYPE } from '../wire/reply.ts';
import { HEADER_LENGTH } from './headers.ts';

const JSON_HEADERS: readonly string[] = ['Content-Type', JSON_TYPE];

/** Headers of an inference answer; `jsonBytes` is set when binary outputs stand behind the JSON. */
export function responseHeaders(jsonBytes: number | undefined): readonly string[] {
  if (jsonBytes === undefined) return JSON_HEADERS;
  return ['Content-Type', 'application/octet-stream', HEADER_LENGTH, String(jsonBytes)];
}

/** Coding of an inference answer; nothing else is ever packed. */
export function answerCoding(req: WireRequest): Coding {
  return responseCoding(req.headers['accept-encoding'] as string | undefined);
}
