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
/** The most that an element holds. */
const ELEMENT_BYTES = [1, 4, 8, 4, 8, 4, 8, 0] as const;

/** Elements or bytes looked at in one step: a fraction of a millisecond. */
const STEP_ELEMENTS = 4096;
const STEP_BYTES = 131_072;
/** Contents of more bytes than this are not read together with the message. */
const LONG_BYTES = 65_536;

/** Work that is done when the generator is; it yields between steps. */
type Steps<T> = Generator<undefined, T>;

/**
 * `InferTensorContents`: counted and checked while the message is read or, where that takes long, in steps behind it; turned into tensor
 * contents when it is known that they are wanted, or in steps before. Elements may come packed, one by one, or both.
 */
export class TypedContents {
  /** Number of elements by field, in the order of `FIELDS`. */
  readonly #counts = new Array<number>(FIELD_COUNT).fill(0);
  /** Bytes of all `bytes_contents`. */
  #stringBytes = 0;
  /** Where the message's contents stand: start and end, one after the other; a message may be sent in several pieces. */
  readonly #pieces: number[] = [];
  /** The last packed run of floating point numbers, by field. */
  readonly #runs: (Buffer | undefined)[] = [];
  #reader: ProtoReader | undefined;
  #unread: Steps<void>[] = [];
  #copied: { readonly index: number; readonly elementBytes: number; readonly data: Uint8Array } | undefined;

  /** Reads the message that comes next; leaves a long one to `prepare`. Throws ProtoError. */
  read(reader: ProtoReader): void {
    const outer = reader.enter();
    const { pos, end } = reader;
    reader.leave(outer);
    this.#reader = reader;
    this.#pieces.push(pos, end);
    const scan = this.#scan(reader.part(pos, end));
    if (end - pos > LONG_BYTES || this.#unread.length > 0) this.#unread.push(scan);
    else finish(scan);
  }

  /** Is there something for `prepare` to do? */
  get isLong(): boolean {
    return this.#unread.length > 0;
  }

  /**
   * Reads what `read` left and makes the contents of a tensor whose elements take `elementBytes`, in steps; contents of more than `maxBytes`
   * are not made. Throws ProtoError.
   */
  *prepare(elementBytes: number, maxBytes: number): Steps<void> {
    for (const scan of this.#unread) yield* scan;
    this.#unread = [];
    const [only, another] = this.given();
    if (only === undefined || another !== undefined || this.byteLength(only.field, elementBytes) > maxBytes) return;
    const index = FIELDS.indexOf(only.field);
    if (elementBytes > ELEMENT_BYTES[index]!) return;
    if (this.#view(index, elementBytes) !== undefined) return;
    this.#copied = { index, elementBytes, data: yield* this.#copy(index, elementBytes) };
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
    const copied = this.#copied;
    if (copied?.index === index && copied.elementBytes === elementBytes) return copied.data;
    return this.#view(index, elementBytes) ?? finish(this.#copy(index, elementBytes));
  }

  /** Counts and checks the elements. */
  *#scan(reader: ProtoReader): Steps<void> {
    let elements = 0;
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      const index = (tag >>> 3) - 1;
      const type = tag & 7;
      if (index >= FIELD_COUNT) reader.skip(tag);
      else if (type === ELEMENT_TYPES[index]) this.#countOne(reader, index, tag);
      else if (type === LENGTH_DELIMITED) yield* this.#countPacked(reader, index);
      else reader.skip(tag);
      if (++elements % STEP_ELEMENTS === 0) yield;
    }
  }

  #countOne(reader: ProtoReader, index: number, tag: number): void {
    this.#counts[index]!++;
    const before = reader.pos;
    reader.skip(tag);
    // Its length was written before it: what was passed over less that is its size.
    if (index === FIELD_COUNT - 1) this.#stringBytes += reader.pos - before - varintBytes(reader.buffer, before);
  }

  *#countPacked(reader: ProtoReader, index: number): Steps<void> {
    const start = reader.pos;
    const end = reader.lengthEnd();
    const type = ELEMENT_TYPES[index]!;
    if (type === VARINT) {
      this.#counts[index]! += yield* countVarints(reader, end);
      return;
    }
    const byteLength = end - reader.pos;
    const size = type === FIXED32 ? 4 : 8;
    if (byteLength % size !== 0) throw new ProtoError(`packed run of ${byteLength} bytes`, start);
    this.#runs[index] = reader.buffer.subarray(reader.pos, end);
    reader.pos = end;
    this.#counts[index]! += byteLength / size;
  }

  /** Floating point numbers that came in one packed run. */
  #view(index: number, elementBytes: number): Uint8Array | undefined {
    const run = this.#runs[index];
    return run?.length === this.#counts[index]! * elementBytes ? run : undefined;
  }

  *#copy(index: number, elementBytes: number): Steps<Uint8Array> {
    if (FIELDS[index] === 'bytes_contents') return yield* this.#copyStrings(index);
    const target = new Uint8Array(this.#counts[index]! * elementBytes);
    const type = ELEMENT_TYPES[index]!;
    const writer = { target, offset: 0, elementBytes, isBool: index === 0 };
    let elements = 0;
    for (const { reader, tag } of this.#fields(index)) {
      if (tag === 0) {
        yield;
        continue;
      }
      const outer = (tag & 7) === LENGTH_DELIMITED ? reader.enter() : -1;
      do {
        if (reader.pos < reader.end) copyElement(reader, type, writer);
        if (++elements % STEP_ELEMENTS === 0) yield;
      } while (outer >= 0 && reader.pos < reader.end);
      if (outer >= 0) reader.leave(outer);
    }
    return target;
  }

  *#copyStrings(index: number): Steps<Uint8Array> {
    const target = Buffer.from(new ArrayBuffer(this.#stringBytes + this.#counts[index]! * BYTES_PREFIX_SIZE));
    let offset = 0;
    let elements = 0;
    for (const { reader, tag } of this.#fields(index)) {
      if (tag === 0) {
        yield;
        continue;
      }
      const end = reader.lengthEnd();
      offset = target.writeUInt32LE(end - reader.pos, offset);
      while (end - reader.pos > STEP_BYTES) {
        offset += reader.buffer.copy(target, offset, reader.pos, reader.pos + STEP_BYTES);
        reader.pos += STEP_BYTES;
        yield;
      }
      offset += copyShort(reader, target, offset, end);
      reader.pos = end;
      if (++elements % STEP_ELEMENTS === 0) yield;
    }
    return target;
  }

  /** The fields of one kind; who takes one reads what follows the tag. A tag of 0 is no field but a place to stop at. */
  *#fields(index: number): Generator<{ readonly reader: ProtoReader; tag: number }> {
    const elementType = ELEMENT_TYPES[index]!;
    for (let piece = 0; piece < this.#pieces.length; piece += 2) {
      const reader = this.#reader!.part(this.#pieces[piece]!, this.#pieces[piece + 1]!);
      const found = { reader, tag: 0 };
      let skipped = 0;
      for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
        const type = tag & 7;
        found.tag = 0;
        if ((tag >>> 3) - 1 === index && (type === elementType || type === LENGTH_DELIMITED)) found.tag = tag;
        else reader.skip(tag);
        if (found.tag !== 0 || ++skipped % STEP_ELEMENTS === 0) yield found;
      }
    }
  }
}

function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Copies a string that is mostly a few bytes, for which a call would take longer than a loop. */
function copyShort(reader: ProtoReader, target: Buffer, offset: number, end: number): number {
  const { buffer, pos } = reader;
  const length = end - pos;
  if (length > 32) return buffer.copy(target, offset, pos, end);
  for (let index = 0; index < length; index++) target[offset + index] = buffer[pos + index]!;
  return length;
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

/** Every byte below 128 ends a varint. */
function* countVarints(reader: ProtoReader, end: number): Steps<number> {
  const { buffer } = reader;
  let count = 0;
  let length = 0;
  for (let pos = reader.pos; pos < end; pos++) {
    if (pos % STEP_BYTES === 0) yield;
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
