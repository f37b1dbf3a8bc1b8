import { open } from 'node:fs/promises';

/** Short enough that hashing a piece does not hold up the event loop, long enough that reading it is no overhead. */
const PIECE_BYTES = 2 ** 21;

/**
 * Reads `size` bytes of a file into one buffer and shows each piece to `look` while it is in the processor's cache.
 * Throws what the file system throws, and an Error when the file is shorter or longer.
 */
export async function readWhole(
  path: string,
  size: number,
  look: (piece: Uint8Array) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  const file = await open(path);
  try {
    let position = 0;
    while (position < size) {
      const { bytesRead } = await file.read(bytes, position, Math.min(PIECE_BYTES, size - position));
      if (bytesRead === 0) break;
      look(bytes.subarray(position, position + bytesRead));
      position += bytesRead;
    }
    const { size: actual } = await file.stat();
    if (position !== size || actual !== size) throw new Error(`${path} has ${actual} bytes, not ${size}`);
    return bytes;
  } finally {
    await file.close();
  }
}

/** Shows a file to `look` piece by piece; the pieces share memory. Throws what the file system throws. */
export async function scanFile(path: string, look: (piece: Uint8Array) => void): Promise<void> {
  const buffer = new Uint8Array(PIECE_BYTES);
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      look(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
