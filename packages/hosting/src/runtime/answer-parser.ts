/** A container's answer that is no HTTP/1.1, or larger in its head than answers are. */
export class AnswerFormatError extends Error {}

export type AnswerHeaders = ReadonlyMap<string, string>;

export interface AnswerHead {
  readonly status: number;
  /** By lower-case names; repeated ones joined by commas. */
  readonly headers: AnswerHeaders;
  /** As `Content-Length` says; undefined for a body in chunks or up to the end of the connection. */
  readonly lengthBytes: number | undefined;
  /** The connection may be used again afterwards. */
  readonly keepsAlive: boolean;
}

export interface AnswerHandler {
  onHead(head: AnswerHead): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;
const EMPTY = Buffer.alloc(0);

type State = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close' | 'done';

/**
 * Reads one HTTP/1.1 answer (RFC 9112) from the pieces of a connection. What comes of the body is handed on by reference. A head and a body
 * that come in one piece, as those of small answers do, take one look for the end of the head and nothing else.
 */
export class AnswerParser {
  readonly #handler: AnswerHandler;
  #state: State = 'head';
  #pending: Buffer = EMPTY;
  #left = 0;

  constructor(handler: AnswerHandler) {
    this.#handler = handler;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Ready for the next answer on the connection. */
  reset(): void {
    this.#state = 'head';
  }

  /** Throws AnswerFormatError; afterwards the parser is of no use any more. */
  execute(chunk: Buffer): void {
    let rest = chunk;
    if (this.#pending.length > 0) {
      rest = Buffer.concat([this.#pending, chunk]);
      this.#pending = EMPTY;
    }
    while (rest.length > 0) {
      const next = this.#step(rest);
      if (next === undefined) {
        this.#pending = rest;
        return;
      }
      rest = next;
    }
  }

  /** The connection has ended. Throws AnswerFormatError when the answer has not. */
  finish(): void {
    if (this.#state === 'until-close') this.#end();
    if (this.#state !== 'done') throw new AnswerFormatError('the connection closed before the answer was complete');
  }

  /** What is left after one step; undefined when more has to come first. */
  #step(data: Buffer): Buffer | undefined {
    switch (this.#state) {
      case 'head':
        return this.#readHead(data);
      case 'length':
      case 'chunk':
        return this.#readCounted(data);
      case 'chunk-size':
        return this.#readLine(data, (line) => this.#startChunk(line));
      case 'chunk-end':
        return this.#readLine(data, (line) => {
          if (line !== '') throw new AnswerFormatError('a chunk is longer than its size says');
          this.#state = 'chunk-size';
        });
      case 'trailers':
        return this.#readLine(data, (line) => {
          if (line === '') this.#end();
        });
      case 'until-close':
        this.#handler.onBody(data);
        return EMPTY;
      case 'done':
        throw new AnswerFormatError('bytes follow the end of the answer');
    }
  }

  #readHead(data: Buffer): Buffer | undefined {
    const end = data.indexOf(HEAD_END);
    if (end < 0 ? data.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES)
      throw new AnswerFormatError('the head of the answer is too long');
    if (end < 0) return undefined;
    const head = parseAnswerHead(data.toString('latin1', 0, end));
    const rest = data.subarray(end + HEAD_END.length);
    // An interim answer, such as 100 Continue: the real one follows.
    if (head.status < 200) return rest;
    const isEmpty = head.lengthBytes === 0 || head.status === 204 || head.status === 304;
    if (isEmpty) this.#state = 'done';
    else if (head.lengthBytes !== undefined) [this.#state, this.#left] = ['length', head.lengthBytes];
    else this.#state = head.headers.has('transfer-encoding') ? 'chunk-size' : 'until-close';
    this.#handler.onHead(head);
    if (isEmpty) this.#handler.onEnd();
    return rest;
  }

  #readCounted(data: Buffer): Buffer {
    const taken = data.length > this.#left ? data.subarray(0, this.#left) : data;
    this.#left -= taken.length;
    this.#handler.onBody(taken);
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end';
      else this.#end();
    }
    return taken.length === data.length ? EMPTY : data.subarray(taken.length);
  }

  #readLine(data: Buffer, take: (line: string) => void): Buffer | undefined {
    const end = data.indexOf('\r\n');
    if (end < 0 ? data.length > MAX_CHUNK_LINE_BYTES : end > MAX_CHUNK_LINE_BYTES)
      throw new AnswerFormatError('a line of the chunked body is too long');
    if (end < 0) return undefined;
    take(data.toString('latin1', 0, end));
    return data.subarray(end + 2);
  }

  #startChunk(line: string): void {
    const [, digits = ''] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line) ?? [];
    if (digits === '') throw new AnswerFormatError('a chunk has no size');
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #end(): void {
    this.#state = 'done';
    this.#handler.onEnd();
  }
}

/** Status line and header lines, without the empty line. Throws AnswerFormatError. */
function parseAnswerHead(text: string): AnswerHead {
  const lines = text.split('\r\n');
  const [, minor, digits] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(lines[0] ?? '') ?? [];
  if (digits === undefined) throw new AnswerFormatError('the answer does not begin with an HTTP/1.1 status');
  const headers = new Map<string, string>();
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a header
    if (colon < 1 || /[\0-\x20]/.test(name) || /[\0-\x08\x0a-\x1f\x7f]/.test(value))
      throw new AnswerFormatError('the answer has a malformed header');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  return {
    status: Number(digits),
    headers,
    lengthBytes: contentLength(headers),
    keepsAlive: minor === '1' ? !connection.includes('close') : connection.includes('keep-alive'),
  };
}

function contentLength(headers: AnswerHeaders): number | undefined {
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (coding === undefined) {
    if (length === undefined) return undefined;
    if (!/^\d{1,15}$/.test(length)) throw new AnswerFormatError('the answer has a malformed Content-Length');
    return Number(length);
  }
  if (coding.toLowerCase() !== 'chunked' || length !== undefined)
    throw new AnswerFormatError('the answer has a transfer coding that is not chunked alone');
  return undefined;
}
