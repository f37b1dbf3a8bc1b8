import type { IncomingMessage } from 'node:http';
import { StatusError } from '@nereid/protocol';
import type { BodyMemory } from './body-memory.ts';
import type { HttpLimits } from './limits.ts';
import type { ReadPacer } from './read-pacer.ts';

/** A request's body in one piece. */
export interface Body {
  readonly bytes: Buffer;
  /** A zero byte follows `bytes` in its buffer and belongs to it. */
  readonly padded: boolean;
  /** Gives the memory back for other bodies: nothing may refer to `bytes` any more. Not calling it does no harm. */
  release?(): void;
}

export type BodyHandler = (error: StatusError | undefined, body: Body) => void;

const EMPTY: Body = { bytes: Buffer.alloc(0), padded: false };
/** Memory is set aside up to this size from what a client announces; beyond it as bytes come in. */
const MAX_UNSEEN_BYTES = 1024 * 1024;
/** Pieces smaller than this count as chunks: what the network cuts is larger. */
const SMALL_CHUNK_BYTES = 1024;
/** Where the part behind the JSON header begins, so that binary tensors can be read in place. */
const ALIGNMENT_BYTES = 64;

/** Bytes of bodies that are being read, over all connections of a front end. */
export class BodyBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds `count` bytes; false when there is no room for them. */
  take(count: number): boolean {
    if (this.#bytes + count > this.#maxBytes) return false;
    this.#bytes += count;
    return true;
  }

  release(count: number): void {
    this.#bytes -= count;
  }
}

/** What bounds and paces the reading of bodies. */
export interface BodyRules {
  readonly limits: HttpLimits;
  readonly bodyBudget: BodyBudget;
  readonly bodyMemory: BodyMemory;
  readonly readPacer: ReadPacer;
}

/**
 * Reads one request's body. A body that comes in one piece is handed on as it is; others are gathered in one buffer with a zero byte behind
 * it. `headerBytes` is the length of what stands in front of binary data; the data begins at an aligned address then.
 *
 * A small body most often comes with its headers: once the parser is done with what the socket delivered, it is taken at once. Only what is
 * still on its way is worth a stream's events.
 *
 * `done` is called once, or never when the client goes away first.
 */
export class BodyReader {
  readonly #req: IncomingMessage;
  readonly #limits: HttpLimits;
  readonly #budget: BodyBudget;
  readonly #memory: BodyMemory;
  readonly #pacer: ReadPacer;
  readonly #done: BodyHandler;
  readonly #expectedBytes: number;
  readonly #shift: number;
  #first: Buffer | undefined;
  #gathered: Buffer | undefined;
  #length = 0;
  #charged = 0;
  #smallChunks = 0;
  #finished = false;

  constructor(req: IncomingMessage, rules: BodyRules, done: BodyHandler, headerBytes = 0) {
    this.#req = req;
    this.#limits = rules.limits;
    this.#budget = rules.bodyBudget;
    this.#memory = rules.bodyMemory;
    this.#pacer = rules.readPacer;
    this.#done = done;
    const announced = req.headers['content-length'];
    this.#expectedBytes = announced === undefined ? -1 : Number(announced);
    this.#shift = (ALIGNMENT_BYTES - (headerBytes % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
    if (this.#expectedBytes > rules.limits.maxBodyBytes) {
      this.#fail(tooLarge(this.#expectedBytes, rules.limits.maxBodyBytes));
      return;
    }
    process.nextTick(begin, this);
  }

  /** Takes a body that is there already, or waits for it. Called by the constructor, a tick later. */
  begin(): void {
    const req = this.#req;
    // A chunked body has a limit on its pieces, which only its events tell.
    if (req.complete && this.#expectedBytes >= 0) {
      const whole: Buffer | null = req.read();
      if ((whole?.length ?? 0) === this.#expectedBytes) {
        this.#first = whole ?? undefined;
        this.#end();
        return;
      }
    }
    req.on('data', (chunk: Buffer) => this.#chunk(chunk));
    req.on('end', () => this.#end());
    // Only bodies in several pieces are charged, so only their connections need to be watched.
    req.on('error', () => this.#abandon());
  }

  #chunk(chunk: Buffer): void {
    if (this.#finished) return;
    if (this.#first === undefined && this.#gathered === undefined) {
      this.#first = chunk;
      this.#length = chunk.length;
      if (chunk.length < SMALL_CHUNK_BYTES) this.#smallChunks++;
      return;
    }
    if (chunk.length < SMALL_CHUNK_BYTES && ++this.#smallChunks > this.#limits.maxChunks) {
      this.#fail(
        new StatusError(
          'INVALID_ARG',
          `Chunked request body exceeds maximum of ${this.#limits.maxChunks} non-empty chunks. Send fewer or larger HTTP chunks.`,
        ),
      );
      return;
    }
    if (this.#length + chunk.length > this.#limits.maxBodyBytes) {
      this.#fail(tooLarge(this.#length + chunk.length, this.#limits.maxBodyBytes));
      return;
    }
    if (this.#gathered === undefined) this.#startGathering();
    if (this.#finished) return;
    this.#append(chunk);
    this.#pacer.took(this.#req, chunk.length, this.#expectedBytes);
  }

  #startGathering(): void {
    const first = this.#first!;
    this.#first = undefined;
    this.#length = 0;
    this.#gathered = this.#memory.take(this.#expectedBytes + this.#shift + 1);
    if (this.#gathered === undefined) {
      this.#reserve(Math.max(first.length * 2, Math.min(this.#expectedBytes, MAX_UNSEEN_BYTES)));
    } else {
      this.#charge(this.#gathered.length);
    }
    this.#req.on('close', () => this.#abandon());
    if (!this.#finished) this.#append(first);
  }

  #append(chunk: Buffer): void {
    const start = this.#shift + this.#length;
    if (start + chunk.length + 1 > this.#gathered!.length) {
      const doubled = (this.#length + chunk.length) * 2;
      this.#reserve(this.#expectedBytes > 0 ? this.#expectedBytes : doubled);
      if (this.#finished) return;
    }
    chunk.copy(this.#gathered!, start);
    this.#length += chunk.length;
  }

  #reserve(byteLength: number): void {
    const capacity = byteLength + this.#shift + 1;
    if (!this.#charge(capacity)) return;
    this.#pacer.begin();
    const grown = this.#memory.take(capacity) ?? Buffer.allocUnsafeSlow(capacity);
    if (this.#gathered !== undefined) {
      this.#gathered.copy(grown, 0, 0, this.#shift + this.#length);
      this.#memory.give(this.#gathered);
    }
    this.#gathered = grown;
  }

  /** Counts `capacity` bytes, instead of what was counted before; fails when there is no room for them. */
  #charge(capacity: number): boolean {
    const more = capacity - this.#charged;
    if (!this.#budget.take(more)) {
      this.#fail(new StatusError('UNAVAILABLE', 'request bodies in flight exceed the memory set aside for them'));
      return false;
    }
    this.#charged += more;
    return true;
  }

  #end(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#budget.release(this.#charged);
    if (this.#gathered !== undefined) {
      const end = this.#shift + this.#length;
      this.#gathered[end] = 0;
      this.#done(undefined, {
        bytes: this.#gathered.subarray(this.#shift, end),
        padded: true,
        release: () => this.#giveBack(),
      });
    } else {
      this.#done(undefined, this.#first === undefined ? EMPTY : { bytes: this.#first, padded: false });
    }
  }

  #fail(error: StatusError): void {
    this.#abandon();
    this.#done(error, EMPTY);
  }

  #abandon(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#budget.release(this.#charged);
    this.#first = undefined;
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#gathered !== undefined) this.#memory.give(this.#gathered);
    this.#gathered = undefined;
  }
}

function begin(reader: BodyReader): void {
  reader.begin();
}

function tooLarge(byteLength: number, maxBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request body of ${byteLength} bytes exceeds the maximum allowed size of ${maxBytes} bytes`,
  );
}
