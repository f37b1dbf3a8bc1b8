import { StatusError } from '@nereid/protocol';
import type { TextTable } from './text-table.ts';

/** Protobuf wire types; 3 and 4 are the deprecated groups. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
export const FIXED32 = 5;

/** Groups inside groups, as deep as the reference implementation goes. */
const MAX_GROUP_DEPTH = 100;
const MAX_VARINT_BYTES = 10;

/** A message that is not protobuf. The client gets the text of gRPC's C++ library; the cause says what is wrong and where. */
export class ProtoError extends StatusError {
  constructor(problem: string, offset: number) {
    super('INTERNAL', 'Unable to parse request', { cause: new Error(`${problem} at byte ${offset}`) });
  }
}

/**
 * Walks over the fields of a message. Nothing is copied and nothing allocated; messages inside messages are walked with `pos` and `end`
 * moved (`enter`, `leave`). Every method throws ProtoError for what does not fit.
 *
 * Format: https://protobuf.dev/programming-guides/encoding/
 */
export class ProtoReader {
  readonly buffer: Buffer;
  readonly #texts: TextTable;
  pos: number;
  end: number;
  /** Halves of the last varint, each without sign. */
  low = 0;
  high = 0;

  constructor(buffer: Buffer, texts: TextTable, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.#texts = texts;
    this.pos = start;
    this.end = end;
  }

  /** A reader of its own for a part of the same message. */
  part(start: number, end: number): ProtoReader {
    return new ProtoReader(this.buffer, this.#texts, start, end);
  }

  /** The next field's number and wire type as on the wire (`number << 3 | type`); 0 at the end of the message. */
  tag(): number {
    if (this.pos >= this.end) return 0;
    const byte = this.buffer[this.pos]!;
    if (byte < 128 && byte > 7) {
      this.pos++;
      return byte;
    }
    const start = this.pos;
    this.varint();
    const tag = this.low;
    if (this.high !== 0 || tag >>> 3 === 0) throw new ProtoError('field number out of range', start);
    return tag;
  }

  /** Reads a varint into `low` and `high`. */
  varint(): void {
    const { buffer, end } = this;
    let pos = this.pos;
    let low = 0;
    let high = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      if (pos >= end) throw new ProtoError('varint cut off', this.pos);
      const byte = buffer[pos++]!;
      const bits = byte & 127;
      if (index < 4) low |= bits << (index * 7);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (index * 7 - 32);
      if (byte < 128) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.pos = pos;
        return;
      }
    }
    throw new ProtoError('varint of more than ten bytes', this.pos);
  }

  bool(): boolean {
    this.varint();
    return (this.low | this.high) !== 0;
  }

  int64(): bigint {
    this.varint();
    return BigInt.asIntN(64, (BigInt(this.high) << 32n) | BigInt(this.low));
  }

  uint64(): bigint {
    this.varint();
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** An int64 as a number: exact up to 2^53, the nearest one beyond. */
  int64Number(): number {
    this.varint();
    if (this.high === 0) return this.low;
    return (this.high | 0) * 4294967296 + this.low;
  }

  double(): number {
    if (this.end - this.pos < 8) throw new ProtoError('double cut off', this.pos);
    const value = this.buffer.readDoubleLE(this.pos);
    this.pos += 8;
    return value;
  }

  /** Reads the length of what follows, checks that it is there and answers where it ends. */
  lengthEnd(): number {
    const start = this.pos;
    const { buffer } = this;
    let length: number;
    if (start < this.end && buffer[start]! < 128) {
      length = buffer[start]!;
      this.pos = start + 1;
    } else {
      this.varint();
      if (this.high !== 0) throw new ProtoError('length out of range', start);
      length = this.low;
    }
    if (length > this.end - this.pos) {
      throw new ProtoError(`length ${length} with ${this.end - this.pos} bytes left`, start);
    }
    return this.pos + length;
  }

  /** Goes into the message whose length comes next; answers what `leave` wants. */
  enter(): number {
    const inner = this.lengthEnd();
    const outer = this.end;
    this.end = inner;
    return outer;
  }

  leave(outer: number): void {
    this.pos = this.end;
    this.end = outer;
  }

  /** A view of the contents of a `bytes` field. */
  bytes(): Buffer {
    const end = this.lengthEnd();
    const view = this.buffer.subarray(this.pos, end);
    this.pos = end;
    return view;
  }

  string(): string {
    const end = this.lengthEnd();
    const text = this.#texts.read(this.buffer, this.pos, end);
    if (text === undefined) throw new ProtoError('string that is not UTF-8', this.pos);
    this.pos = end;
    return text;
  }

  /** Passes over a field that is not known, or has another wire type than expected. */
  skip(tag: number): void {
    this.#skip(tag, 0);
  }

  #skip(tag: number, depth: number): void {
    switch (tag & 7) {
      case VARINT:
        this.varint();
        break;
      case FIXED64:
        this.#advance(8);
        break;
      case LENGTH_DELIMITED:
        this.pos = this.lengthEnd();
        break;
      case GROUP_START:
        this.#skipGroup(tag >>> 3, depth + 1);
        break;
      case FIXED32:
        this.#advance(4);
        break;
      default:
        throw new ProtoError(`wire type ${tag & 7}`, this.pos);
    }
  }

  #skipGroup(field: number, depth: number): void {
    if (depth > MAX_GROUP_DEPTH) throw new ProtoError('groups nested too deep', this.pos);
    for (;;) {
      const tag = this.tag();
      if (tag === 0) throw new ProtoError('group without end', this.pos);
      if ((tag & 7) === GROUP_END) {
        if (tag >>> 3 !== field) throw new ProtoError('end of another group', this.pos);
        return;
      }
      this.#skip(tag, depth);
    }
  }

  #advance(byteLength: number): void {
    if (this.end - this.pos < byteLength) throw new ProtoError('field cut off', this.pos);
    this.pos += byteLength;
  }
}
