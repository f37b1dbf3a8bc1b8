import { deflate, deflateSync, gunzip, gunzipSync, gzip, gzipSync, inflate, inflateSync } from 'node:zlib';
import { GRPC_STATUS, GrpcError } from './status.ts';

/** Message encodings of gRPC; deflate is a zlib stream. */
export type MessageEncoding = 'identity' | 'deflate' | 'gzip';

/** `--grpc-infer-response-compression-level` */
export type CompressionLevel = 'none' | 'low' | 'medium' | 'high';

/** What the server can read, for clients to choose from. */
export const ACCEPTED_ENCODINGS = 'identity, deflate, gzip';

/** Messages up to this size are packed and unpacked where they are; larger ones on a thread of the pool. */
const INLINE_BYTES = 2048;
/** In rising order of what they save. */
const RANKING: readonly MessageEncoding[] = ['gzip', 'deflate'];

/** The encoding that a call names for its messages. Throws GrpcError UNIMPLEMENTED for one that is not known. */
export function requestEncoding(header: string | undefined): MessageEncoding {
  if (header === undefined || header === '' || header === 'identity') return 'identity';
  if (header === 'gzip' || header === 'deflate') return header;
  throw new GrpcError(GRPC_STATUS.UNIMPLEMENTED, `Compression algorithm '${header}' is not supported`);
}

/** The encoding of answers at a level, of those the client takes; chosen as gRPC's C++ library does. */
export function responseEncoding(level: CompressionLevel, acceptEncoding: string | undefined): MessageEncoding {
  if (level === 'none' || acceptEncoding === undefined) return 'identity';
  const accepted = acceptEncoding.split(',').map((name) => name.trim());
  const usable = RANKING.filter((encoding) => accepted.includes(encoding));
  const position = level === 'low' ? 0 : level === 'medium' ? Math.floor(usable.length / 2) : usable.length - 1;
  return usable[position] ?? 'identity';
}

type Done = (error: GrpcError | undefined, bytes: Buffer) => void;

/** Unpacks a message; `done` may be called before this returns. GrpcError RESOURCE_EXHAUSTED for one that unpacks to more than `maxBytes`. */
export function unpackMessage(encoding: MessageEncoding, message: Buffer, maxBytes: number, done: Done): void {
  if (encoding === 'identity') {
    done(new GrpcError(GRPC_STATUS.INTERNAL, 'Message is compressed, but the call names no compression'), message);
    return;
  }
  const finish = (error: Error | null, unpacked: Buffer): void => {
    if (error === null) done(undefined, unpacked);
    else done(unpackError(error, encoding, maxBytes), message);
  };
  const options = { maxOutputLength: maxBytes };
  if (message.length > INLINE_BYTES) {
    (encoding === 'gzip' ? gunzip : inflate)(message, options, finish);
    return;
  }
  let unpacked = message;
  let failure: Error | null = null;
  try {
    unpacked = (encoding === 'gzip' ? gunzipSync : inflateSync)(message, options);
  } catch (error) {
    failure = error as Error;
  }
  finish(failure, unpacked);
}

function unpackError(error: Error, encoding: MessageEncoding, maxBytes: number): GrpcError {
  const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  if (!tooLarge) return new GrpcError(GRPC_STATUS.INTERNAL, `Failed to decompress a ${encoding} message`);
  return new GrpcError(
    GRPC_STATUS.RESOURCE_EXHAUSTED,
    `SERVER: Received message larger than max (unpacks to more than ${maxBytes} bytes)`,
  );
}

/** Packs a message; undefined when that does not make it smaller. `done` may be called before this returns. */
export function packMessage(
  encoding: 'deflate' | 'gzip',
  message: Buffer,
  done: (packed: Buffer | undefined) => void,
): void {
  const finish = (error: Error | null, packed: Buffer): void =>
    done(error === null && packed.length < message.length ? packed : undefined);
  if (message.length > INLINE_BYTES) (encoding === 'gzip' ? gzip : deflate)(message, finish);
  else finish(null, encoding === 'gzip' ? gzipSync(message) : deflateSync(message));
}
