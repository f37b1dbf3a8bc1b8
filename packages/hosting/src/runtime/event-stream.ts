import { crc32 } from 'node:zlib';

/** Header values of a message; all are strings (type 7). */
export type EventHeaders = Readonly<Record<string, string>>;

const STRING_TYPE = 7;

function encodeHeaders(headers: EventHeaders): Buffer {
  const parts = Object.entries(headers).map(([name, value]) => {
    const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
    const part = Buffer.alloc(1 + nameBytes.length + 3 + valueBytes.length);
    part.writeUInt8(nameBytes.length, 0);
    nameBytes.copy(part, 1);
    part.writeUInt8(STRING_TYPE, 1 + nameBytes.length);
    part.writeUInt16BE(valueBytes.length, 2 + nameBytes.length);
    valueBytes.copy(part, 4 + nameBytes.length);
    return part;
  });
  return Buffer.concat(parts);
}

/**
 * One message of `application/vnd.amazon.eventstream`, big-endian: total length, header length, CRC-32 of these eight bytes, headers, payload, CRC-32 of
 * all before. The payload is not copied: the result is the message in pieces.
 */
export function eventMessage(
  headers: EventHeaders,
  payload: Uint8Array,
): [head: Buffer, payload: Uint8Array, end: Buffer] {
  const encoded = encodeHeaders(headers);
  const head = Buffer.alloc(12 + encoded.length);
  head.writeUInt32BE(16 + encoded.length + payload.length, 0);
  head.writeUInt32BE(encoded.length, 4);
  head.writeUInt32BE(crc32(head.subarray(0, 8)), 8);
  encoded.copy(head, 12);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(payload, crc32(head)), 0);
  return [head, payload, end];
}

/** A part of a streamed answer. */
export function payloadPart(bytes: Uint8Array): [Buffer, Uint8Array, Buffer] {
  return eventMessage(
    { ':event-type': 'PayloadPart', ':content-type': 'application/octet-stream', ':message-type': 'event' },
    bytes,
  );
}

/** The end of a streamed answer that went wrong. */
export function streamException(
  type: 'ModelStreamError' | 'InternalStreamFailure',
  fields: Readonly<Record<string, string>>,
): [Buffer, Uint8Array, Buffer] {
  return eventMessage(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    Buffer.from(JSON.stringify(fields)),
  );
}
