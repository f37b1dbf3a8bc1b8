import { BYTES_PREFIX_SIZE } from '@nereid/protocol';
import { FIXED32, FIXED64, LENGTH_DELIMITED, ProtoError, type ProtoReader, VARINT } from './proto-reader.ts';

/** Fields of `InferTensorContents`, in the order in which Triton looks at them. */
export type ContentsField =
  | 'bool_contents'
  | 'int_contents'
  | 'int64_contents'
  | 'uint_contents'
  | 'uint64_contents'
  | 'fp32_contents'
  | 'fp64_contents'
  | 'bytes_contents';

const FIELDS: readonly ContentsField[] = [
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
];
const FIELD_COUNT = FIELDS.length;

/** Wire type of one element. */
const ELEMENT_TYPES = [VARINT, VARINT, VARINT, VARINT, VARINT, FIXED32, FIXED64, LENGTH_DELIMITED] as const;

/**
 * `InferTensorContents`: counted and checked while the message is read, turned into tensor contents when it is known that they are wanted.
 * Elements may come packed, one by one, or both.
 */
export class TypedContents {
  /** Number of elements by field, in the order of `FIELDS`. */
  readonly #counts = new Array<number>(FIELD_COUNT).fill(0);
  /** Bytes of all `bytes_contents`. */
  #stringBytes = 0;
  /** Where the message's contents stand: start and end, one after the other; a message may be sent in several pieces. */
  readonly #pieces: number[] = [];
  #reader: ProtoReader | undefined;

  /** Reads the message that comes next. Throws ProtoError. */
  read(reader: ProtoReader): void {
    this.#reader = reader;
    const outer = reader.enter();
    this.#pieces.push(reader.pos, reader.end);
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const index = (tag >>> 3) - 1;
      const type = tag & 7;
      if (index >= FIELD_COUNT) reader.skip(tag);
      else if (type === ELEMENT_TYPES[index]) this.#countOne(reader, index, tag);
      else if (type === LENGTH_DELIMITED) this.#counts[index]! += countPacked(reader, ELEMENT_TYPES[index]!);
      else reader.skip(tag);
    }
    reader.leave(outer);
  }

  /** Fields that hold elements, with their number. */
  *given(): Generator<{ readonly field: ContentsField; readonly count: number }> {
    for (let index = 0; index < FIELD_COUNT; index++) {
      const count = this.#counts[index]!;
      if (count > 0) yield { field: FIELDS[index]!, count };
    }
  }

  /** Bytes that `toBytes` answers. */
  byteLength(field: ContentsField, elementBytes: number): number {
    const count = this.#counts[FIELDS.indexOf(field)]!;
    return field === 'bytes_contents' ? this.#stringBytes + count * BYTES_PREFIX_SIZE : count * elementBytes;
  }

  /**
   * The elements of a field in the protocol's binary form, `elementBytes` each: the low bytes where that is less than they have. Contents
   * that stand in the message just so are a view of it.
   */
  toBytes(field: ContentsField, elementBytes: number): Uint8Array {
    const index = FIELDS.indexOf(field);
    const reader = this.#reader!;
    const { pos, end } = reader;
    try {
      return this.#view(index, elementBytes) ?? this.#copy(index, elementBytes);
    } finally {
      reader.pos = pos;
      reader.end = end;
    }
  }

  #countOne(reader: ProtoReader, index: number, tag: number): void {
    this.#counts[index]!++;
    const before = reader.pos;
    reader.skip(tag);
    // Its length was written before it: what was passed over less that is its size.
    if (index === FIELD_COUNT - 1) this.#stringBytes += reader.pos - before - varintBytes(reader.buffer, before);
  }

  /** Floating point numbers that came in one packed run. */
  #view(index: number, elementBytes: number): Uint8Array | undefined {
    const type = ELEMENT_TYPES[index]!;
    if (type !== FIXED32 && type !== FIXED64) return undefined;
    let found: Uint8Array | undefined;
    const byteLength = this.#counts[index]! * elementBytes;
    this.#eachField(index, (reader, tag) => {
      if ((tag & 7) !== LENGTH_DELIMITED) return reader.skip(tag);
      const run = reader.bytes();
      if (run.length === byteLength) found = run;
    });
    return found;
  }

  #copy(index: number, elementBytes: number): Uint8Array {
    if (FIELDS[index] === 'bytes_contents') return this.#copyStrings(index);
    const target = new Uint8Array(this.#counts[index]! * elementBytes);
    const type = ELEMENT_TYPES[index]!;
    const writer = { target, offset: 0, elementBytes, isBool: index === 0 };
    this.#eachField(index, (reader, tag) => {
      if ((tag & 7) !== LENGTH_DELIMITED) return copyElement(reader, type, writer);
      const outer = reader.enter();
      while (reader.pos < reader.end) copyElement(reader, type, writer);
      reader.leave(outer);
    });
    return target;
  }

  #copyStrings(index: number): Uint8Array {
    const target = Buffer.alloc(this.#stringBytes + this.#counts[index]! * BYTES_PREFIX_SIZE);
    let offset = 0;
    this.#eachField(index, (reader) => {
      const end = reader.lengthEnd();
      offset = target.writeUInt32LE(end - reader.pos, offset);
      offset += reader.buffer.copy(target, offset, reader.pos, end);
      reader.pos = end;
    });
    return target;
  }

  /** Walks over the fields of one kind; `visit` reads what follows the tag. */
  #eachField(index: number, visit: (reader: ProtoReader, tag: number) => void): void {
    const reader = this.#reader!;
    const elementType = ELEMENT_TYPES[index]!;
    for (let piece = 0; piece < this.#pieces.length; piece += 2) {
      reader.pos = this.#pieces[piece]!;
      reader.end = this.#pieces[piece + 1]!;
      for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
        const type = tag & 7;
        if ((tag >>> 3) - 1 === index && (type === elementType || type === LENGTH_DELIMITED)) visit(reader, tag);
        else reader.skip(tag);
      }
    }
  }
}

interface ElementWriter {
  readonly target: Uint8Array;
  offset: number;
  readonly elementBytes: number;
  readonly isBool: boolean;
}

function copyElement(reader: ProtoReader, type: number, writer: ElementWriter): void {
  const { target, elementBytes } = writer;
  const start = writer.offset;
  writer.offset = start + elementBytes;
  if (type !== VARINT) {
    target.set(reader.buffer.subarray(reader.pos, reader.pos + elementBytes), start);
    reader.pos += type === FIXED32 ? 4 : 8;
    return;
  }
  reader.varint();
  if (writer.isBool) {
    target[start] = (reader.low | reader.high) === 0 ? 0 : 1;
    return;
  }
  let bits = reader.low;
  for (let index = 0; index < elementBytes; index++) {
    if (index === 4) bits = reader.high;
    target[start + index] = bits & 255;
    bits >>>= 8;
  }
}

function countPacked(reader: ProtoReader, elementType: number): number {
  const start = reader.pos;
  const end = reader.lengthEnd();
  const byteLength = end - reader.pos;
  if (elementType === FIXED32 || elementType === FIXED64) {
    const size = elementType === FIXED32 ? 4 : 8;
    if (byteLength % size !== 0) throw new ProtoError(`packed run of ${byteLength} bytes`, start);
    reader.pos = end;
    return byteLength / size;
  }
  return countVarints(reader, end);
}

/** Every byte below 128 ends a varint. */
function countVarints(reader: ProtoReader, end: number): number {
  const { buffer } = reader;
  let count = 0;
  let length = 0;
  for (let pos = reader.pos; pos < end; pos++) {
    length++;
    if (buffer[pos]! >= 128) continue;
    if (length > 10) throw new ProtoError('varint of more than ten bytes', pos);
    count++;
    length = 0;
  }
  if (length > 0) throw new ProtoError('varint cut off', end);
  reader.pos = end;
  return count;
}

function varintBytes(buffer: Buffer, start: number): number {
  let pos = start;
  while (buffer[pos]! >= 128) pos++;
  return pos - start + 1;
}
