const SLAB_BYTES = 65536;
/** Tensors up to this size share a slab; larger ones have memory of their own. */
const MAX_SHARED_BYTES = 4096;
const ALIGNMENT_BYTES = 16;

/** One buffer seen as every element type a JSON tensor can have. */
export class Slab {
  readonly buffer: ArrayBuffer;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly uint16: Uint16Array;
  readonly int16: Int16Array;
  readonly uint32: Uint32Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;

  constructor(byteLength: number) {
    this.buffer = new ArrayBuffer(byteLength);
    this.uint8 = new Uint8Array(this.buffer);
    this.int8 = new Int8Array(this.buffer);
    this.uint16 = new Uint16Array(this.buffer);
    this.int16 = new Int16Array(this.buffer);
    this.uint32 = new Uint32Array(this.buffer);
    this.int32 = new Int32Array(this.buffer);
    this.float32 = new Float32Array(this.buffer);
    this.float64 = new Float64Array(this.buffer);
  }
}

/**
 * Memory for tensors' contents. Small ones are cut from a shared slab, one behind the other and never twice: a small buffer of its own
 * costs more than the numbers in it.
 */
export class TensorMemory {
  #slab = new Slab(SLAB_BYTES);
  #used = 0;
  /** Where the last `take` begins in its slab, in bytes. */
  offset = 0;

  /** A slab with `byteLength` free bytes at `offset`. */
  take(byteLength: number): Slab {
    if (byteLength > MAX_SHARED_BYTES) {
      this.offset = 0;
      return new Slab(Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
    }
    if (this.#used + byteLength > SLAB_BYTES) {
      this.#slab = new Slab(SLAB_BYTES);
      this.#used = 0;
    }
    this.offset = this.#used;
    this.#used += Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return this.#slab;
  }
}
