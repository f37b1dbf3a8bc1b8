import { WireError } from './wire-error.ts';

/** Protobuf wire types; 3 and 4 are the deprecated groups. */
export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_GROUP_START = 3;
export const WIRE_GROUP_END = 4;
export const WIRE_FIXED32 = 5;

const MAX_GROUP_DEPTH = 100;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads protobuf fields out of one buffer. Nothing is copied: `bytes()` and `message()` look at the same memory.
 * Every method throws WireError for what does not fit the buffer.
 *
 * Format: https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #position: number;
  /** Of the last `tag()`. */
  field = 0;
  wireType = 0;
  /** The last varint, as two halves: a JS number cannot hold 64 bits. */
  #low = 0;
  #high = 0;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    // A Node Buffer's views would be Buffers, whose `slice` does not copy.
    const isPlain = Object.getPrototypeOf(buffer) === Uint8Array.prototype;
    this.#buffer = isPlain ? buffer : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    this.#position = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#position;
  }

  /** Bytes left in this message. */
  get remaining(): number {
    return this.#end - this.#position;
  }

  /** Moves to the next field; false at the end of the message. */
  tag(): boolean {
    if (this.#position >= this.#end) return false;
    const start = this.#position;
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw new WireError('field number 0', start);
    return true;
  }

  uint32(): number {
    this.#varint();
    return this.#low >>> 0;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  /** A signed 64-bit varint as a number; WireError when a number cannot hold it exactly. */
  int64(): number {
    const start = this.#position;
    this.#varint();
    const value = (this.#high | 0) * 0x1_0000_0000 + (this.#low >>> 0);
    if (!Number.isSafeInteger(value)) throw new WireError(`integer ${this.#bigint()} out of range`, start);
    return value;
  }

  int64Big(): bigint {
    this.#varint();
    return this.#bigint();
  }

  uint64Big(): bigint {
    return BigInt.asUintN(64, this.int64Big());
  }

  float(): number {
    const at = this.#take(4, 'float');
    return this.#view.getFloat32(at, true);
  }

  double(): number {
    const at = this.#take(8, 'double');
    return this.#view.getFloat64(at, true);
  }

  /** A length-delimited field as a view of the buffer. */
  bytes(): Uint8Array {
    const length = this.#length();
    const at = this.#position;
    this.#position += length;
    return this.#buffer.subarray(at, at + length);
  }

  /** UTF-8; malformed sequences become U+FFFD, as protobuf's own lenient readers do. */
  string(): string {
    return utf8.decode(this.bytes());
  }

  /** A reader of the nested message in this field; offsets go on counting from the outer buffer. */
  message(): WireReader {
    const length = this.#length();
    const at = this.#position;
    this.#position += length;
    return new WireReader(this.#buffer, at, at + length);
  }

  /**
   * Calls `read` once per value of a repeated scalar field, packed or not.
   * @param packableWireType wire type of one unpacked value
   */
  repeated(packableWireType: number, read: (reader: WireReader) => void): void {
    if (this.wireType !== WIRE_BYTES) {
      this.expect(packableWireType);
      read(this);
      return;
    }
    const packed = this.message();
    while (packed.remaining > 0) read(packed);
  }

  /** Throws WireError unless the current field has this wire type. */
  expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new WireError(`field ${this.field} has wire type ${this.wireType}, expected ${wireType}`, this.#position);
    }
  }

  /** Skips the value of the current field. */
  skip(): void {
    let depth = 0;
    do {
      if (this.wireType === WIRE_VARINT) this.#varint();
      else if (this.wireType === WIRE_FIXED64) this.#take(8, 'fixed64');
      else if (this.wireType === WIRE_FIXED32) this.#take(4, 'fixed32');
      else if (this.wireType === WIRE_BYTES) this.#take(this.#length(), 'bytes');
      else if (this.wireType === WIRE_GROUP_START) depth++;
      else if (this.wireType === WIRE_GROUP_END) depth--;
      else throw new WireError(`unknown wire type ${this.wireType}`, this.#position);
      if (depth < 0) throw new WireError('end of a group that did not start', this.#position);
      if (depth > MAX_GROUP_DEPTH) throw new WireError(`groups nested deeper than ${MAX_GROUP_DEPTH}`, this.#position);
      if (depth > 0 && !this.tag()) throw new WireError('unterminated group', this.#position);
    } while (depth > 0);
  }

  #bigint(): bigint {
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low >>> 0);
  }

  #length(): number {
    const start = this.#position;
    const length = this.uint32();
    if (this.#high !== 0 || length > this.#end - this.#position) {
      throw new WireError(`field ${this.field}: length ${length} exceeds the ${this.remaining} bytes left`, start);
    }
    return length;
  }

  #take(count: number, what: string): number {
    const at = this.#position;
    if (count > this.#end - at) throw new WireError(`truncated ${what}`, at);
    this.#position = at + count;
    return at;
  }

  #varint(): void {
    const buffer = this.#buffer;
    const end = this.#end;
    const start = this.#position;
    let position = start;
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (position >= end) throw new WireError('truncated varint', start);
      if (shift === 70) throw new WireError('varint longer than 10 bytes', start);
      const byte = buffer[position++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.#position = position;
    this.#low = low;
    this.#high = high;
  }
}
