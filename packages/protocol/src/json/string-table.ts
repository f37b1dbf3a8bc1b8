const SLOT_COUNT = 512;
const MAX_LENGTH = 40;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Strings seen before, found by their bytes. The names in requests repeat; finding one costs less than decoding it and makes later
 * comparisons cheap. Holds a bounded number of short ASCII strings; a new one takes the place of the one in its slot.
 */
export class StringTable {
  readonly #slots: (Slot | undefined)[] = new Array<Slot | undefined>(SLOT_COUNT).fill(undefined);
  /** What the last successful `endOfShort` read. */
  text = '';

  /**
   * Reads a string whose first character is at `start`: answers where its closing quote stands, or -1 when it is long or not plain ASCII
   * without escapes. `bytes` must hold a zero byte somewhere behind `start`.
   */
  endOfShort(bytes: Uint8Array, start: number): number {
    const limit = start + MAX_LENGTH;
    let hash = 0;
    let pos = start;
    let byte = bytes[pos]!;
    while (byte !== 34) {
      if (byte < 32 || byte > 126 || byte === 92 || pos >= limit) return -1;
      hash = (Math.imul(hash, 31) + byte) | 0;
      byte = bytes[++pos]!;
    }
    const position = (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (SLOT_COUNT - 1);
    const slot = this.#slots[position];
    if (slot !== undefined && matches(slot.bytes, bytes, start, pos - start)) {
      this.text = slot.text;
    } else {
      this.text = toText(bytes, start, pos);
      this.#slots[position] = { bytes: bytes.slice(start, pos), text: this.text };
    }
    return pos;
  }
}

function matches(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (known[index] !== bytes[start + index]) return false;
  }
  return true;
}

/** A name of a property is a string that the engine compares by its address. */
function toText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let index = start; index < end; index++) text += String.fromCharCode(bytes[index]!);
  const [name] = Object.keys({ [text]: true });
  return name!;
}
