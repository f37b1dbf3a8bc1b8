import { KERNEL_WASM_BASE64 } from '../gen/kernels.ts';
import { ImageError } from '../image-error.ts';
import { BlockAllocator } from './block-allocator.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

const PAGE = 65536;
/** Address 0 stays unused, so that no block is at a falsy address. */
const FIRST_ADDRESS = 64;

type VerticalKernel = (
  source: number,
  sourceStrideBytes: number,
  destination: number,
  rowElements: number,
  sourceRows: number,
  outputRows: number,
  first: number,
  weights: number,
  support: number,
  pointers: number,
) => void;
type HorizontalKernel = (
  source: number,
  destination: number,
  rows: number,
  sourceWidth: number,
  outputWidth: number,
  channels: number,
  first: number,
  weights: number,
  support: number,
) => void;
type NormalizeKernel = (
  source: number,
  sourceStrideBytes: number,
  destination: number,
  height: number,
  width: number,
  mean: number,
  inverse: number,
) => void;

/** The functions of the compiled module (packages/engine/wasm); pointers are addresses in its memory. */
export interface KernelExports {
  readonly verticalU8F32: VerticalKernel;
  readonly verticalU8U8: VerticalKernel;
  readonly verticalF32F32: VerticalKernel;
  readonly verticalF32U8: VerticalKernel;
  readonly horizontalU8F32: HorizontalKernel;
  readonly horizontalU8U8: HorizontalKernel;
  readonly horizontalF32F32: HorizontalKernel;
  readonly horizontalF32U8: HorizontalKernel;
  readonly normalizeHwc3: NormalizeKernel;
  readonly normalizeChw3: NormalizeKernel;
  readonly orient: (
    origin: number,
    rowStep: number,
    columnStep: number,
    destination: number,
    height: number,
    width: number,
    pixelBytes: number,
  ) => void;
}

export interface ImageKernelsOptions {
  /** Bound on the memory that pictures and intermediates of one thread may take; default 1 GiB. */
  readonly maxBytes?: number;
  /** Memory kept when nothing is allocated; default 64 MiB. */
  readonly keepBytes?: number;
}

/**
 * The SIMD kernels and the memory they work in: pictures are decoded into it, resized and normalised in it, and copied out once. One per
 * thread. Addresses come from `allocate`; views onto them are made anew for each use, because growing the memory detaches old ones.
 */
export class ImageKernels {
  readonly #module: object;
  readonly #maxBytes: number;
  readonly #keepBytes: number;
  #memory: WasmMemory;
  #allocator: BlockAllocator;
  #exports: KernelExports;

  constructor(options: ImageKernelsOptions = {}) {
    this.#maxBytes = Math.min(options.maxBytes ?? 1024 ** 3, 4 * 1024 ** 3 - PAGE);
    this.#keepBytes = options.keepBytes ?? 64 * 1024 ** 2;
    this.#module = new webAssembly.Module(Buffer.from(KERNEL_WASM_BASE64, 'base64'));
    ({ memory: this.#memory, allocator: this.#allocator, exports: this.#exports } = this.#instantiate());
  }

  get exports(): KernelExports {
    return this.#exports;
  }

  /** Size of the memory now, in bytes. */
  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Address of a new block, aligned for vectors, with undefined contents. Throws ImageError (`limit`) when the memory would exceed its bound. */
  allocate(byteLength: number): number {
    // A size that is no number would end up at address 0.
    if (!(byteLength >= 0)) throw new ImageError('argument', `${byteLength} is no size of memory`);
    const address = this.#allocator.allocate(byteLength);
    if (address !== undefined) return address;
    const shortage = this.#allocator.shortage(byteLength);
    if (this.byteLength + shortage > this.#maxBytes) {
      throw new ImageError(
        'limit',
        `${byteLength} bytes do not fit the limit of ${this.#maxBytes} bytes of image memory`,
      );
    }
    this.#memory.grow(Math.ceil(shortage / PAGE));
    this.#allocator.grow(this.byteLength);
    return this.#allocator.allocate(byteLength)!;
  }

  free(address: number): void {
    this.#allocator.free(address);
  }

  /** Frees every block at once: what is left after work that failed half-way. */
  freeAll(): void {
    this.#allocator = new BlockAllocator(FIRST_ADDRESS, this.byteLength);
  }

  /** Bytes at an address. Valid until the next `allocate` or `trim`. */
  bytes(address: number, byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer, address, byteLength);
  }

  /** Gives memory back to the system after a large picture, once nothing is allocated. */
  trim(): void {
    if (!this.#allocator.isEmpty || this.byteLength <= this.#keepBytes) return;
    ({ memory: this.#memory, allocator: this.#allocator, exports: this.#exports } = this.#instantiate());
  }

  #instantiate(): { memory: WasmMemory; allocator: BlockAllocator; exports: KernelExports } {
    const memory = new webAssembly.Memory({ initial: 16 });
    const instance = new webAssembly.Instance(this.#module, { env: { memory } });
    return {
      memory,
      allocator: new BlockAllocator(FIRST_ADDRESS, memory.buffer.byteLength),
      exports: instance.exports as unknown as KernelExports,
    };
  }
}
