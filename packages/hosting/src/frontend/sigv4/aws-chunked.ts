import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { AuthError } from './auth-error.ts';
import { sha256Hex } from './canonical-request.ts';
import { sameSignature, signText } from './signing-key.ts';
import type { ChunkSigning } from './verify.ts';

/** A body that does not keep to the `aws-chunked` framing. */
export class ChunkFormatError extends Error {}

/** AWS's clients send chunks of 64 KiB to 1 MiB; a chunk must not make the reader hold more than this for its header line. */
const MAX_LINE_BYTES = 8192;
const MAX_TRAILER_LINES = 32;
const EMPTY_SHA256 = sha256Hex('');
const MISMATCH = 'The chunk signature does not match the signature of its bytes.';

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done';

export interface AwsChunkedOptions {
  readonly trailer: boolean;
  /** Present when the chunks are signed; absent for unsigned chunks (and for hosts without authentication). */
  readonly signing?: ChunkSigning;
}

/**
 * Takes `aws-chunked` framing off: `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n … 0\r\n[trailers]\r\n`, checking chunk signatures where there
 * are any (AWS: "Signature calculations: transferring payload in multiple chunks"). Trailing headers are in `trailers` once the stream has ended.
 * Emits ChunkFormatError or AuthError.
 */
export class AwsChunkedDecoder extends Transform {
  readonly trailers = new Map<string, string>();
  readonly #options: AwsChunkedOptions;
  #state: State = 'size';
  #line = '';
  #remaining = 0;
  #claimed = '';
  #previous: string;
  #hash = createHash('sha256');
  #trailerText = '';

  constructor(options: AwsChunkedOptions) {
    super();
    this.#options = options;
    this.#previous = options.signing?.seedSignature ?? '';
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      let at = 0;
      while (at < chunk.length) at = this.#consume(chunk, at);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new ChunkFormatError(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      // A closing empty line is optional in the wild: the last chunk ends the body.
      if (this.#state === 'trailer' && this.#line === '') this.#takeTrailer('');
      done(this.#state === 'done' ? null : new ChunkFormatError('the aws-chunked body ended before its last chunk'));
    } catch (error) {
      done(error instanceof Error ? error : new ChunkFormatError(String(error)));
    }
  }

  #consume(chunk: Buffer, at: number): number {
    if (this.#state === 'data') return this.#takeData(chunk, at);
    const end = chunk.indexOf(0x0a, at);
    const stop = end < 0 ? chunk.length : end;
    this.#line += chunk.toString('latin1', at, stop);
    if (this.#line.length > MAX_LINE_BYTES) throw new ChunkFormatError('a line of the aws-chunked framing is too long');
    if (end < 0) return chunk.length;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#takeLine(line);
    return end + 1;
  }

  #takeData(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + this.#remaining);
    if (this.#options.signing) this.#hash.update(part);
    this.push(part);
    this.#remaining -= part.length;
    if (this.#remaining === 0) this.#state = 'data-end';
    return at + part.length;
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#startChunk(line);
        return;
      case 'data-end':
        if (line !== '') throw new ChunkFormatError('an aws-chunked chunk is longer than its size says');
        this.#checkChunk(this.#hash.digest('hex'));
        this.#state = 'size';
        return;
      case 'trailer':
        this.#takeTrailer(line);
        return;
      default:
        if (line !== '') throw new ChunkFormatError('bytes follow the last aws-chunked chunk');
    }
  }

  #startChunk(line: string): void {
    const [, size, signature] = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? [];
    if (size === undefined) throw new ChunkFormatError(`'${line.slice(0, 64)}' is no aws-chunked chunk header`);
    if (this.#options.signing && signature === undefined) throw new AuthError('signature-mismatch', MISMATCH);
    this.#claimed = signature ?? '';
    this.#remaining = Number.parseInt(size, 16);
    this.#hash = createHash('sha256');
    if (this.#remaining > 0) this.#state = 'data';
    else {
      this.#checkChunk(EMPTY_SHA256);
      this.#state = 'trailer';
    }
  }

  #checkChunk(dataSha256: string): void {
    const { signing } = this.#options;
    if (!signing) return;
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${signing.timestamp}\n${signing.scope}\n${this.#previous}\n${EMPTY_SHA256}\n${dataSha256}`;
    const expected = signText(signing.key, text);
    if (!sameSignature(expected, this.#claimed)) throw new AuthError('signature-mismatch', MISMATCH);
    this.#previous = expected;
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      if (this.#options.trailer && this.#options.signing) this.#checkTrailers();
      this.#state = 'done';
      return;
    }
    const at = line.indexOf(':');
    if (at < 1 || !this.#options.trailer) throw new ChunkFormatError(`'${line.slice(0, 64)}' is no trailing header`);
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (this.trailers.size >= MAX_TRAILER_LINES) throw new ChunkFormatError('too many trailing headers');
    if (name !== 'x-amz-trailer-signature') this.#trailerText += `${name}:${value}\n`;
    this.trailers.set(name, value);
  }

  #checkTrailers(): void {
    const { signing } = this.#options;
    if (!signing) return;
    const text = `AWS4-HMAC-SHA256-TRAILER\n${signing.timestamp}\n${signing.scope}\n${this.#previous}\n${sha256Hex(this.#trailerText)}`;
    if (!sameSignature(signText(signing.key, text), this.trailers.get('x-amz-trailer-signature') ?? '')) {
      throw new AuthError('signature-mismatch', 'The trailer signature does not match the trailing headers.');
    }
  }
}
