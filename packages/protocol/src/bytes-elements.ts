import { StatusError } from './status.ts';

/** Bytes in front of each BYTES element: its length, uint32 little-endian. */
export const BYTES_PREFIX_SIZE = 4;

const encoder = new TextEncoder();

/** Elements of a BYTES tensor -> its contents. Strings are written as UTF-8. */
export function encodeBytesElements(elements: readonly (string | Uint8Array)[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const element of elements) {
    const part = typeof element === 'string' ? encoder.encode(element) : element;
    parts.push(part);
    size += BYTES_PREFIX_SIZE + part.byteLength;
  }
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.byteLength, true);
    data.set(part, offset + BYTES_PREFIX_SIZE);
    offset += BYTES_PREFIX_SIZE + part.byteLength;
  }
  return data;
}

/**
 * Contents of a BYTES tensor -> its elements, views into `data`. `name` is the tensor's name for messages.
 * Throws StatusError INVALID_ARG when a length or an element does not fit, or when the count is not `expectedCount`.
 */
export function decodeBytesElements(data: Uint8Array, expectedCount: number, name: string): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const elements: Uint8Array[] = [];
  let offset = 0;
  while (offset < data.byteLength) {
    const left = data.byteLength - offset;
    if (elements.length === expectedCount) {
      throw invalid(
        `unexpected number of string elements ${elements.length + 1} for '${name}', expecting ${expectedCount}`,
      );
    }
    if (left < BYTES_PREFIX_SIZE) {
      throw invalid(
        `incomplete string length indicator for '${name}', expecting ${BYTES_PREFIX_SIZE} bytes but only ${left} bytes available`,
      );
    }
    const length = view.getUint32(offset, true);
    offset += BYTES_PREFIX_SIZE;
    if (length > data.byteLength - offset) {
      throw invalid(
        `incomplete string data for '${name}', expecting string of length ${length} but only ${data.byteLength - offset} bytes available`,
      );
    }
    elements.push(data.subarray(offset, offset + length));
    offset += length;
  }
  if (elements.length !== expectedCount) {
    throw invalid(`expected ${expectedCount} string elements for '${name}', got ${elements.length}`);
  }
  return elements;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}
