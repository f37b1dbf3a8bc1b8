import { createHash, hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { AuthError, AwsChunkedDecoder, type PayloadRule } from './sigv4/index.ts';

/** What a service says when a body is larger than it takes. */
export type TooLarge = () => Error;

const PAYLOAD_MISMATCH = "The provided 'x-amz-content-sha256' header does not match what was computed.";

/** A running check of a body against what its signature says. */
export interface PayloadCheck {
  update(chunk: Buffer): void;
  /** Throws AuthError when the body is not what was signed. */
  finish(): void;
}

function payloadCheck(rule: PayloadRule): PayloadCheck {
  if (rule.kind === 'unsigned' || rule.kind === 'chunked') return { update: () => undefined, finish: () => undefined };
  const running = createHash('sha256');
  return {
    update: (chunk) => {
      running.update(chunk);
    },
    finish: () => checkHash(rule, running.digest('hex')),
  };
}

/** Checks a body that is there in full; chunked ones have framing to be taken off first. Throws AuthError. */
export function checkWholeBody(rule: PayloadRule, body: readonly Buffer[]): void {
  if (rule.kind === 'unsigned' || rule.kind === 'chunked') return;
  const [first] = body;
  const hex = body.length === 1 && first ? hash('sha256', first, 'hex') : hashParts(body);
  checkHash(rule, hex);
}

function hashParts(parts: readonly Buffer[]): string {
  const running = createHash('sha256');
  for (const part of parts) running.update(part);
  return running.digest('hex');
}

function checkHash(rule: Extract<PayloadRule, { kind: 'deferred' | 'sha256' }>, hex: string): void {
  if (rule.kind === 'deferred') rule.finish(hex);
  else if (hex !== rule.hex) throw new AuthError('payload-mismatch', PAYLOAD_MISMATCH);
}

/** Passes bytes on and fails at the end when they are not the signed ones: nothing may count as received before the stream has ended. */
class CheckingTransform extends Transform {
  readonly #check: PayloadCheck;

  constructor(check: PayloadCheck) {
    super();
    this.#check = check;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#check.update(chunk);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    try {
      this.#check.finish();
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** The body of an authenticated request, with its framing taken off and its signature checked while it is read. Read once, by one method. */
export class VerifiedBody {
  readonly #message: IncomingMessage;
  readonly #rule: PayloadRule;
  readonly #askForBody: () => void;
  #decoder: AwsChunkedDecoder | undefined;

  /** `askForBody` answers `Expect: 100-continue`, when the client waits for that. */
  constructor(message: IncomingMessage, rule: PayloadRule, askForBody: () => void) {
    this.#message = message;
    this.#rule = rule;
    this.#askForBody = askForBody;
  }

  /** Bytes of the body as the client announced them, framing left out; undefined when it did not say. */
  get announcedBytes(): number | undefined {
    const { headers } = this.#message;
    const text = this.#rule.kind === 'chunked' ? headers['x-amz-decoded-content-length'] : headers['content-length'];
    if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) return undefined;
    return Number(text);
  }

  /** Headers behind an `aws-chunked` body, such as `x-amz-checksum-crc32`; complete once the body has ended. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#decoder?.trailers ?? new Map();
  }

  /** The body as it comes, unchecked, and the check to feed and to finish. For readers that cannot afford another stage. */
  open(): { source: Readable; check: PayloadCheck } {
    this.#askForBody();
    return { source: this.#unframed(), check: payloadCheck(this.#rule) };
  }

  /** The checked bytes; emits AuthError or ChunkFormatError in place of its end when they do not fit. */
  stream(): Readable {
    const { source, check } = this.open();
    const checked = new CheckingTransform(check);
    source.once('error', (error) => checked.destroy(error));
    this.#message.once('aborted', () => checked.destroy(new Error('the client closed the connection')));
    return source.pipe(checked);
  }

  /** The whole body. Throws what `tooLarge` makes when it has more than `maxBytes`, before they are held. */
  async bytes(maxBytes: number, tooLarge: TooLarge): Promise<Buffer> {
    if ((this.announcedBytes ?? 0) > maxBytes) throw tooLarge();
    const { source, check } = this.open();
    const chunks: Buffer[] = [];
    let held = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      held += chunk.length;
      if (held > maxBytes) throw tooLarge();
      check.update(chunk);
      chunks.push(chunk);
    }
    check.finish();
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  }

  #unframed(): Readable {
    if (this.#rule.kind !== 'chunked') return this.#message;
    const { trailer, signing } = this.#rule;
    const decoder = new AwsChunkedDecoder(signing ? { trailer, signing } : { trailer });
    this.#decoder = decoder;
    this.#message.once('error', (error) => decoder.destroy(error));
    return this.#message.pipe(decoder);
  }
}
