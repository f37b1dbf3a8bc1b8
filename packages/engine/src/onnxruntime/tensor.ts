import type { ElementType } from './element-type.ts';

/**
 * A dense tensor as the engine takes and gives it: row-major, little-endian, BOOL one byte per element, BYTES as a uint32
 * little-endian length before each element. The protocol's own form, so nothing is converted on the way.
 */
export interface EngineTensor {
  readonly dataType: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** An input of a run: a tensor and the place of its name in `Session.inputs`. */
export interface RunInput extends EngineTensor {
  readonly input: number;
  /** Elements of a BYTES tensor are C strings: each ends at its first NUL, if it has one. Otherwise every byte is kept. */
  readonly cStrings?: boolean;
}
