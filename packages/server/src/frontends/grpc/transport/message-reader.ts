import type { BodyBudget } from '../../wire/body-reader.ts';
import type { ReadGarbage } from '../../wire/read-garbage.ts';
import { GRPC_STATUS, GrpcError } from './status.ts';

/** A message as it came: its bytes and whether they are compressed. */
export type MessageHandler = (message: Buffer, compressed: boolean) => void;

/** What the messages of all connections share while they arrive. */
export interface ReadMemory {
  readonly budget: BodyBudget;
  readonly garbage: ReadGarbage;
}

const PREFIX_BYTES = 5;
/** Memory is set aside up to this size from what a prefix announces; beyond it as data comes. */
const MAX_UNSEEN_BYTES = 1024 * 1024;
/** How much more memory is taken than data has come; all of it when no second step would be worth its copy. */
const GROWTH = 8;
const LAST_GROWTH = 16;
/** Where a gathered message ends: the last tensor of a request then begins at an address that suits its elements. */
const ALIGNMENT_BYTES = 64;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a call's data into messages (gRPC over HTTP/2: a flag, the length as uint32 big-endian, the message). A message that lies in one piece
 * of data is handed on as a view of it; others are gathered. Its limits are looked at when the prefix is there, before memory is taken.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #budget: BodyBudget;
  readonly #garbage: ReadGarbage;
  readonly #handler: MessageHandler;
  /** Of a prefix that came in pieces; made when the first one does. */
  #prefix = EMPTY;
  #prefixLength = 0;
  #compressed = false;
  /** Length of the message being gathered; -1 between messages. */
  #expected = -1;
  #gathered = EMPTY;
  #shift = 0;
  #length = 0;
  #charged = 0;

  constructor(maxBytes: number, { budget, garbage }: ReadMemory, handler: MessageHandler) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
    this.#garbage = garbage;
    this.#handler = handler;
  }

  /** True in the middle of a message. */
  get partial(): boolean {
    return this.#expected >= 0 || this.#prefixLength > 0;
  }

  /** Takes data off the wire and hands on the messages in it. Throws GrpcError. */
  push(data: Buffer): void {
    let rest = data;
    while (rest.length > 0) {
      if (this.#expected >= 0) rest = this.#gather(rest);
      else if (this.#prefixLength === 0 && rest.length >= PREFIX_BYTES) rest = this.#begin(rest, 0);
      else rest = this.#collectPrefix(rest);
    }
  }

  /** Gives back what an unfinished message holds. */
  abandon(): void {
    this.#budget.release(this.#charged);
    this.#charged = 0;
    this.#gathered = EMPTY;
    this.#expected = -1;
    this.#prefixLength = 0;
  }

  #collectPrefix(data: Buffer): Buffer {
    if (this.#prefix.length === 0) this.#prefix = Buffer.alloc(PREFIX_BYTES);
    const copied = data.copy(this.#prefix, this.#prefixLength);
    this.#prefixLength += copied;
    const rest = data.subarray(copied);
    if (this.#prefixLength < PREFIX_BYTES) return rest;
    this.#prefixLength = 0;
    this.#announce(this.#prefix, 0);
    return this.#takeWhole(rest, 0);
  }

  #begin(data: Buffer, start: number): Buffer {
    this.#announce(data, start);
    return this.#takeWhole(data, start + PREFIX_BYTES);
  }

  /** Checks a prefix. */
  #announce(prefix: Buffer, start: number): void {
    const flag = prefix[start]!;
    const length = prefix.readUInt32BE(start + 1);
    if (flag > 1) throw new GrpcError(GRPC_STATUS.INTERNAL, `Invalid message flag: ${flag}`);
    if (length > this.#maxBytes) {
      throw new GrpcError(
        GRPC_STATUS.RESOURCE_EXHAUSTED,
        `SERVER: Received message larger than max (${length} vs. ${this.#maxBytes})`,
      );
    }
    this.#expected = length;
    this.#compressed = flag === 1;
  }

  /** Hands a message on that is already there; begins to gather it otherwise. */
  #takeWhole(data: Buffer, start: number): Buffer {
    const expected = this.#expected;
    const end = start + expected;
    if (end <= data.length) {
      this.#expected = -1;
      this.#handler(data.subarray(start, end), this.#compressed);
      return data.subarray(end);
    }
    this.#shift = (ALIGNMENT_BYTES - (expected % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
    this.#length = 0;
    this.#reserve(Math.min(expected, Math.max(MAX_UNSEEN_BYTES, (data.length - start) * 2)));
    return this.#gather(data.subarray(start));
  }

  #gather(data: Buffer): Buffer {
    const taken = Math.min(data.length, this.#expected - this.#length);
    const needed = this.#length + taken;
    if (this.#shift + needed > this.#gathered.length) {
      this.#reserve(needed * LAST_GROWTH >= this.#expected ? this.#expected : needed * GROWTH);
    }
    data.copy(this.#gathered, this.#shift + this.#length, 0, taken);
    this.#length += taken;
    this.#garbage.left(taken, this.#expected);
    if (this.#length === this.#expected) this.#finish();
    return data.subarray(taken);
  }

  #finish(): void {
    const message = this.#gathered.subarray(this.#shift, this.#shift + this.#length);
    this.abandon();
    this.#handler(message, this.#compressed);
  }

  #reserve(byteLength: number): void {
    const capacity = byteLength + this.#shift;
    const more = capacity - this.#charged;
    if (!this.#budget.take(more)) {
      throw new GrpcError(GRPC_STATUS.RESOURCE_EXHAUSTED, 'messages in flight exceed the memory set aside for them');
    }
    this.#charged += more;
    this.#garbage.begin();
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.#gathered.copy(grown, 0, 0, this.#shift + this.#length);
    this.#gathered = grown;
  }
}
