import { PipelineFormatError } from './pipeline-def.ts';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;
const WIRE_START_GROUP = 3;
const MAX_GROUP_DEPTH = 32;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads protocol-buffer wire format from `[position, end)` of a file. Every length is checked against what is left before it is used, so a
 * lying length neither allocates nor reads past its message. Throws PipelineFormatError with the offset in the file.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  fail(what: string): PipelineFormatError {
    return new PipelineFormatError(this.#position, what);
  }

  /** The next field's number and wire type. */
  tag(): { field: number; wire: number } {
    const start = this.#position;
    const tag = this.varint();
    const field = Number(tag >> 3n);
    if (field === 0 || field > 0x1fffffff)
      throw new PipelineFormatError(start, `field number ${field} is out of range`);
    return { field, wire: Number(tag & 7n) };
  }

  /** An unsigned varint of at most 64 bits. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#position >= this.#end) throw this.fail('truncated varint');
      const byte = this.#bytes[this.#position++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.fail('varint of more than ten bytes');
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.varint());
  }

  int32(): number {
    return Number(BigInt.asIntN(32, this.varint()));
  }

  bool(): boolean {
    return this.varint() !== 0n;
  }

  float(): number {
    return this.#view.getFloat32(this.#take(4, 'float'), true);
  }

  /** A reader over a length-delimited field's contents. */
  message(): WireReader {
    const length = this.#length();
    const start = this.#take(length, 'length-delimited field');
    return new WireReader(this.#bytes, start, start + length);
  }

  string(): string {
    const length = this.#length();
    const start = this.#take(length, 'string');
    try {
      return decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw new PipelineFormatError(start, 'string that is not UTF-8');
    }
  }

  /** Passes over a field this reader does not know. */
  skip(wire: number, depth = 0): void {
    if (wire === WIRE_VARINT) this.varint();
    else if (wire === WIRE_FIXED64) this.#take(8, 'fixed64 field');
    else if (wire === WIRE_BYTES) this.#take(this.#length(), 'length-delimited field');
    else if (wire === WIRE_FIXED32) this.#take(4, 'fixed32 field');
    else if (wire === WIRE_START_GROUP) this.#skipGroup(depth);
    else throw this.fail(`wire type ${wire} is not valid here`);
  }

  #skipGroup(depth: number): void {
    if (depth >= MAX_GROUP_DEPTH) throw this.fail(`groups nested deeper than ${MAX_GROUP_DEPTH}`);
    for (;;) {
      const { wire } = this.tag();
      if (wire === 4) return;
      this.skip(wire, depth + 1);
    }
  }

  #length(): number {
    const length = this.varint();
    if (length > BigInt(this.#end - this.#position)) {
      throw this.fail(`length ${length} runs past the end of its message (${this.#end - this.#position} bytes left)`);
    }
    return Number(length);
  }

  #take(count: number, what: string): number {
    if (count > this.#end - this.#position) throw this.fail(`truncated ${what}`);
    const start = this.#position;
    this.#position += count;
    return start;
  }
}
