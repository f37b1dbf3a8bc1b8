const SLOT_COUNT = 512;
const MAX_LENGTH = 40;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Turns UTF-8 into strings and remembers short ones by their bytes: the names in requests repeat, and finding one costs less than decoding it.
 * Holds a bounded number of ASCII strings; a new one takes the place of the one in its slot.
 */
export class TextTable {
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOT_COUNT).fill(undefined);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** The text between `start` and `end`; undefined when that is not UTF-8. */
  read(buffer: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    if (length === 0) return '';
    if (length > MAX_LENGTH) return this.#decode(buffer, start, end);
    let hash = 0;
    for (let pos = start; pos < end; pos++) {
      const byte = buffer[pos]!;
      if (byte > 127) return this.#decode(buffer, start, end);
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const position = (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (SLOT_COUNT - 1);
    const slot = this.#slots[position];
    if (slot !== undefined && matches(slot.bytes, buffer, start, length)) return slot.text;
    const text = buffer.toString('latin1', start, end);
    this.#slots[position] = { bytes: new Uint8Array(buffer.subarray(start, end)), text };
    return text;
  }

  #decode(buffer: Buffer, start: number, end: number): string | undefined {
    try {
      return this.#decoder.decode(buffer.subarray(start, end));
    } catch {
      return undefined;
    }
  }
}

function matches(known: Uint8Array, buffer: Buffer, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (known[index] !== buffer[start + index]) return false;
  }
  return true;
}
