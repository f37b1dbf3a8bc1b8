import type { Readable } from 'node:stream';

/** What is answered to a request that was taken directly. */
export interface DirectAnswer {
  readonly status: number;
  /** Names and values in turns. Values hold no line breaks. */
  readonly headers: readonly string[];
  /** Text in Latin-1, bytes in one or several pieces, or a stream that is sent as it comes. */
  readonly body: string | Buffer | readonly Uint8Array[] | Readable;
  /** Of a stream; undefined: sent in chunks. */
  readonly lengthBytes?: number | undefined;
  /** A stream that grows beyond it is broken off. */
  readonly maxBytes?: number;
  /** The connection ends with this answer, and its head says so. */
  readonly closes?: boolean;
}

/** Bytes of an answer's body; undefined for a stream of unknown length, which is sent in chunks. */
export function bodyLength({ body, lengthBytes }: DirectAnswer): number | undefined {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return body.length;
  return isStream(body) ? lengthBytes : body.reduce((sum, part) => sum + part.byteLength, 0);
}

export function isStream(body: DirectAnswer['body']): body is Readable {
  return typeof body === 'object' && 'pipe' in body;
}

/** Writes the heads of answers: each front end has headers of its own beside the answer's. */
export interface AnswerHeads {
  /** From the status line to the empty line, in Latin-1; with the length, or the chunked coding, of the body. */
  text(answer: DirectAnswer, keepsAlive: boolean): string;
}
