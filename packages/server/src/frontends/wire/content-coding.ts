import {
  constants,
  createDeflate,
  createGzip,
  createUnzip,
  deflateSync,
  gzipSync,
  unzipSync,
  type ZlibOptions,
} from 'node:zlib';
import { StatusError } from '@nereid/protocol';

export type Coding = 'identity' | 'gzip' | 'deflate';

/** Bodies up to this size are packed and unpacked where they are; larger ones on a thread of the pool. */
const INLINE_BYTES = 2048;

/** The coding of a request's body; undefined for one that is not supported. Names are case-sensitive, as in Triton. */
export function requestCoding(contentEncoding: string | undefined): Coding | undefined {
  switch (contentEncoding) {
    case undefined:
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'deflate':
      return contentEncoding;
    default:
      return undefined;
  }
}

/** The coding an `Accept-Encoding` header asks for: of those known, the first with the highest weight above 0. */
export function responseCoding(acceptEncoding: string | undefined): Coding {
  if (acceptEncoding === undefined) return 'identity';
  let chosen: Coding = 'identity';
  let highest = 0;
  for (const part of acceptEncoding.split(',')) {
    const start = part.search(/[^ ]/);
    const weightAt = part.indexOf(';q=');
    if (start < 0 || (weightAt >= 0 && start >= weightAt)) continue;
    const name = part.slice(start, weightAt < 0 ? undefined : weightAt);
    const weight = weightAt < 0 ? 1 : Number.parseFloat(part.slice(weightAt + 3));
    if ((name === 'identity' || name === 'gzip' || name === 'deflate') && weight > highest) {
      chosen = name;
      highest = weight;
    }
  }
  return chosen;
}

function tooLarge(maxBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `Decompressed data size exceeds the maximum allowed value of ${maxBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}

/** Bodies unpacked at a time: each may grow to the limit of a body while it is. */
const MAX_UNPACKING = 4;
/** Output comes in pieces of this size; zlib's default of 16 KiB makes a turn of the event loop of each. */
const MAX_PIECE_BYTES = 1024 * 1024;
const PACKED_PIECE_BYTES = 131_072;

/** Unpacks the bodies of a front end, a few at a time: those that wait hold no more memory than they came with. */
export class Unpacker {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** As `unpack`. */
  unpack(body: Buffer, maxBytes: number, done: UnpackHandler): void {
    const start = (): void => {
      this.#running++;
      unpack(body, maxBytes, (error, unpacked, padded) => {
        this.#running--;
        this.#waiting.shift()?.();
        done(error, unpacked, padded);
      });
    };
    if (this.#running < MAX_UNPACKING || body.length <= INLINE_BYTES) start();
    else this.#waiting.push(start);
  }
}

/** `padded`: a zero byte follows `unpacked` in its buffer and belongs to it. */
type UnpackHandler = (error: StatusError | undefined, unpacked: Buffer, padded?: boolean) => void;

/**
 * Unpacks a gzip or zlib body. As in Triton, damage is not reported: what was unpacked before it is the body, so a body that is no such
 * stream at all is empty. `done` gets StatusError INVALID_ARG for an empty body and for one that unpacks to more than `maxBytes`.
 */
export function unpack(body: Buffer, maxBytes: number, done: UnpackHandler): void {
  if (body.length === 0) {
    done(new StatusError('INVALID_ARG', 'nothing to be decompressed'), body);
    return;
  }
  // With this flush mode a stream that ends too early yields what it held.
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  if (body.length > INLINE_BYTES) {
    unpackLarge(body, options, maxBytes, done, () => unpackDamaged(body, options, maxBytes, done));
    return;
  }
  let unpacked: Buffer;
  try {
    unpacked = unzipSync(body, { ...options, maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') done(tooLarge(maxBytes), body);
    else unpackDamaged(body, options, maxBytes, done);
    return;
  }
  done(undefined, unpacked);
}

/** Unpacks on a thread of the pool. The pieces are put together in turns of their own, with a zero byte behind them in their buffer. */
function unpackLarge(
  body: Buffer,
  options: ZlibOptions,
  maxBytes: number,
  done: UnpackHandler,
  damaged: () => void,
): void {
  const chunkSize = Math.min(Math.max(constants.Z_DEFAULT_CHUNK, 4 * body.length), MAX_PIECE_BYTES);
  const stream = createUnzip({ ...options, chunkSize });
  const pieces: Buffer[] = [];
  let length = 0;
  stream.on('data', (piece: Buffer) => {
    if (stream.destroyed) return;
    pieces.push(piece);
    length += piece.length;
    if (length <= maxBytes) return;
    stream.destroy();
    done(tooLarge(maxBytes), body);
  });
  stream.on('error', damaged);
  stream.on('end', () => join(pieces, length, (joined) => done(undefined, joined, true)));
  stream.end(body);
}

/** One piece in each turn of the event loop. */
function join(pieces: readonly Buffer[], length: number, done: (joined: Buffer) => void): void {
  const joined = Buffer.allocUnsafeSlow(length + 1);
  joined[length] = 0;
  let next = 0;
  let offset = 0;
  const copyNext = (): void => {
    const piece = pieces[next++];
    if (piece === undefined) {
      done(joined.subarray(0, length));
      return;
    }
    offset += piece.copy(joined, offset);
    if (next < pieces.length) setImmediate(copyNext);
    else copyNext();
  };
  copyNext();
}

/** Bytes behind the data of a gzip stream: its checksum and its length. */
const TRAILER_BYTES = 8;

/** A stream whose data is whole and only the checksum wrong is taken; any other damage leaves nothing. */
function unpackDamaged(body: Buffer, options: ZlibOptions, maxBytes: number, done: UnpackHandler): void {
  const data = body.subarray(0, Math.max(0, body.length - TRAILER_BYTES));
  unpackLarge(data, options, maxBytes, done, () => done(undefined, Buffer.alloc(0)));
}

/** Packs an answer that is given in parts, into parts; a large one on a thread of the pool. */
export function pack(
  coding: 'gzip' | 'deflate',
  parts: readonly Uint8Array[],
  done: (packed: readonly Uint8Array[]) => void,
): void {
  if (parts.reduce((sum, part) => sum + part.byteLength, 0) <= INLINE_BYTES) {
    const body = Buffer.concat(parts);
    done([coding === 'gzip' ? gzipSync(body) : deflateSync(body)]);
    return;
  }
  const options = { chunkSize: PACKED_PIECE_BYTES };
  const stream = coding === 'gzip' ? createGzip(options) : createDeflate(options);
  const packed: Buffer[] = [];
  stream.on('data', (piece: Buffer) => packed.push(piece));
  stream.on('end', () => done(packed));
  for (const part of parts) stream.write(part);
  stream.end();
}
