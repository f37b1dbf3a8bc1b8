import { BYTES_PREFIX_SIZE } from './bytes-elements.ts';

/** Elements of one step: about a tenth of a millisecond. */
const STEP_ELEMENTS = 16_384;

/** What a walk over BYTES contents found. */
export interface BytesExtent {
  /** The contents that were walked over. */
  readonly data: Uint8Array;
  /** Elements that are there from their first to their last byte. */
  readonly count: number;
  /** Offset behind the last of them: the length of the contents unless something is wrong with what follows. */
  readonly end: number;
}

/** Contents of more bytes than this are walked in steps where other work waits. */
export const LONG_BYTES_CONTENTS = 131_072;

/** A walk over the elements of BYTES contents, in steps. */
export class BytesWalk implements BytesExtent {
  readonly data: Uint8Array;
  count = 0;
  end = 0;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  /** True when the end, or what is wrong, is found. */
  step(): boolean {
    const { data } = this;
    const size = data.byteLength;
    const last = size - BYTES_PREFIX_SIZE;
    const stop = this.count + STEP_ELEMENTS;
    let count = this.count;
    let end = this.end;
    while (count < stop && end <= last) {
      const next = end + BYTES_PREFIX_SIZE + bytesElementLength(data, end);
      if (next > size) {
        this.count = count;
        this.end = end;
        return true;
      }
      end = next;
      count++;
    }
    this.count = count;
    this.end = end;
    return end > last;
  }
}

/** The length in front of a BYTES element. */
export function bytesElementLength(data: Uint8Array, offset: number): number {
  return (data[offset]! | (data[offset + 1]! << 8) | (data[offset + 2]! << 16) | (data[offset + 3]! << 24)) >>> 0;
}
