/** Frames and header blocks of HTTP/2 (RFC 9113, RFC 7541) as the load generator needs them: nothing is compressed but by the header table. */

export const FRAME = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8 } as const;
export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;
export const FRAME_HEADER_BYTES = 9;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const SETTING = { INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5 } as const;
export const DEFAULT_WINDOW = 65_535;
export const DEFAULT_FRAME_BYTES = 16_384;
export const MAX_WINDOW = 2 ** 31 - 1;

/** First index of the table that a connection fills, behind the 61 entries that every connection has. */
const FIRST_DYNAMIC_INDEX = 62;
/** Bytes that one byte holds as a string's length. */
const MAX_SHORT_STRING = 126;

export function frameHeader(type: number, flags: number, stream: number, byteLength: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(byteLength, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return header;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(type, flags, stream, payload.length), payload]);
}

export function settings(values: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [index, [name, value]] of values.entries()) {
    payload.writeUInt16BE(name, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

export function windowUpdate(stream: number, byteLength: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(byteLength);
  return frame(FRAME.WINDOW_UPDATE, 0, stream, payload);
}

/** A request's headers: in full on a connection's first request, by their place in its table from then on, as real clients do. */
export class RequestHeaders {
  readonly #first: Buffer;
  readonly #later: Buffer;

  constructor(headers: readonly (readonly [string, string])[]) {
    const parts: Buffer[] = [];
    for (const [name, value] of headers) parts.push(Buffer.from([0x40]), text(name), text(value));
    this.#first = Buffer.concat(parts);
    const indices = headers.map((_, index) => 0x80 | (FIRST_DYNAMIC_INDEX + headers.length - 1 - index));
    this.#later = Buffer.from(indices);
  }

  frame(stream: number, isFirst: boolean): Buffer {
    return frame(FRAME.HEADERS, END_HEADERS, stream, isFirst ? this.#first : this.#later);
  }
}

function text(value: string): Buffer {
  if (value.length > MAX_SHORT_STRING) throw new Error(`header text of ${value.length} characters`);
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}
