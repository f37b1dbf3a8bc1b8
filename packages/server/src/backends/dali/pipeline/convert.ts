import type { ElementType } from '../format/index.ts';
import type { ElementArray } from './sample-tensor.ts';

/** Smallest and largest value of the integer types that fit a number. */
const RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
};
const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_INT64 = 2n ** 63n - 1n;

/** Writes number `value` as element `index`. */
export type Store = (index: number, value: number) => void;

/**
 * DALI's ConvertSat into an array: to integers rounded half away from zero and clamped (NaN is 0), to BOOL whether it is not zero, to floating
 * point rounded to nearest.
 */
export function saturatingStore(type: ElementType, array: ElementArray): Store {
  if (type === 'FLOAT' || type === 'FLOAT64' || type === 'FLOAT16') {
    const floats = array as Float32Array;
    return (index, value) => {
      floats[index] = value;
    };
  }
  if (type === 'BOOL') {
    const bytes = array as Uint8Array;
    return (index, value) => {
      bytes[index] = value === 0 ? 0 : 1;
    };
  }
  if (type === 'INT64' || type === 'UINT64') {
    const longs = array as BigInt64Array;
    return (index, value) => {
      longs[index] = saturateBig(type, value);
    };
  }
  const [low, high] = RANGES[type]!;
  const integers = array as Int32Array;
  return (index, value) => {
    integers[index] = Math.min(Math.max(roundHalfAway(value), low), high);
  };
}

export function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

function saturateBig(type: 'INT64' | 'UINT64', value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  const [low, high] = type === 'INT64' ? [-MAX_INT64 - 1n, MAX_INT64] : [0n, MAX_UINT64];
  if (value >= Number(high)) return high;
  if (value <= Number(low)) return low;
  return BigInt(roundHalfAway(value));
}

/** Converts a whole array with saturation. 64-bit integers go between each other exactly. */
export function convertElements(
  from: ElementArray,
  fromType: ElementType,
  to: ElementArray,
  toType: ElementType,
): void {
  if (from instanceof BigInt64Array || from instanceof BigUint64Array) {
    if (fromType === toType) (to as BigInt64Array).set(from as BigInt64Array);
    else convertBig(from, to, toType);
    return;
  }
  if (fromType === toType || toType.startsWith('FLOAT')) {
    // Nothing saturates; arrays convert themselves, rounding to nearest.
    (to as Float64Array).set(from as Float64Array);
    return;
  }
  const store = saturatingStore(toType, to);
  const numbers = from as Float64Array;
  for (let i = 0; i < numbers.length; i++) store(i, numbers[i]!);
}

function convertBig(from: BigInt64Array | BigUint64Array, to: ElementArray, toType: ElementType): void {
  if (toType !== 'INT64' && toType !== 'UINT64') {
    const store = saturatingStore(toType, to);
    for (let i = 0; i < from.length; i++) store(i, Number(from[i]!));
    return;
  }
  const [low, high] = toType === 'INT64' ? [-MAX_INT64 - 1n, MAX_INT64] : [0n, MAX_UINT64];
  const longs = to as BigInt64Array;
  for (let i = 0; i < from.length; i++) {
    const value = from[i]!;
    longs[i] = value < low ? low : value > high ? high : value;
  }
}
