/** Bits of a float32, to take it apart. */
const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/**
 * Numbers -> IEEE 754 half precision (FP16), rounded to the nearest, ties to even; beyond 65504 infinity. NaN stays NaN.
 * Each number is rounded to single precision first.
 */
export function float16ToBits(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) bits[index] = toHalf(values[index]!);
  return bits;
}

/** FP16 bit patterns -> numbers, exactly. */
export function float16FromBits(bits: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  for (let index = 0; index < values.length; index++) values[index] = fromHalf(bits[index]!);
  return values;
}

/** Numbers -> BF16 (the high half of a float32), rounded to the nearest, ties to even. NaN stays NaN. */
export function bfloat16ToBits(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) {
    FLOAT[0] = values[index]!;
    const float = BITS[0]!;
    const notANumber = (float & 0x7fffffff) > 0x7f800000;
    // A NaN must not round up to infinity: its quiet bit is set instead.
    bits[index] = notANumber ? (float >>> 16) | 0x40 : (float + 0x7fff + ((float >>> 16) & 1)) >>> 16;
  }
  return bits;
}

/** BF16 bit patterns -> numbers, exactly. */
export function bfloat16FromBits(bits: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < words.length; index++) words[index] = bits[index]! << 16;
  return new Float32Array(words.buffer);
}

function toHalf(value: number): number {
  FLOAT[0] = value;
  const float = BITS[0]!;
  const sign = (float >>> 16) & 0x8000;
  const magnitude = float & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520, halfway between the largest half and the next: infinity from here.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  // Below 2^-14 halves are multiples of 2^-24.
  const scaled = Math.abs(FLOAT[0]!) * 2 ** 24;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  return sign | (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor);
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
