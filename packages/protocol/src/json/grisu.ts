/**
 * Doubles to decimal digits by Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers",
 * PLDI 2010), as RapidJSON 1.1 has it. Its digits always read back as the same double, but in about one case of a thousand they are
 * not the ones JavaScript prints: 3e38 as FP32 is 3.0000000054977559e38 here. Clients of Triton see these digits.
 *
 * 64-bit numbers are kept as two halves of 32 bits, each a number without sign.
 */

const FIRST_DECIMAL_EXPONENT = -348;
const DECIMAL_EXPONENT_STEP = 8;
const CACHED_POWER_COUNT = 87;

interface CachedPowers {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly exponent: Int16Array;
}

/** 10^(-348 + 8i) as 64-bit significands, rounded to nearest, with their binary exponents. */
function computePowers(): CachedPowers {
  const high = new Uint32Array(CACHED_POWER_COUNT);
  const low = new Uint32Array(CACHED_POWER_COUNT);
  const exponent = new Int16Array(CACHED_POWER_COUNT);
  for (let index = 0; index < CACHED_POWER_COUNT; index++) {
    const [significand, binary] = significandOf(FIRST_DECIMAL_EXPONENT + index * DECIMAL_EXPONENT_STEP);
    high[index] = Number(significand >> 32n);
    low[index] = Number(significand & 0xffffffffn);
    exponent[index] = binary;
  }
  return { high, low, exponent };
}

function significandOf(decimalExponent: number): [bigint, number] {
  const power = 10n ** BigInt(Math.abs(decimalExponent));
  const bits = power.toString(2).length;
  if (decimalExponent >= 0) {
    if (bits <= 64) return [power << BigInt(64 - bits), bits - 64];
    return normalise(roundedShift(power, bits - 64), bits - 64);
  }
  // One bit more than needed, so that the quotient has 64 or 65 bits.
  const shift = bits + 64;
  const doubled = (1n << BigInt(shift + 1)) / power;
  const quotientBits = doubled.toString(2).length;
  return normalise(roundedShift(doubled, quotientBits - 64), quotientBits - 64 - shift - 1);
}

function roundedShift(value: bigint, bits: number): bigint {
  return (value + (1n << BigInt(bits - 1))) >> BigInt(bits);
}

function normalise(significand: bigint, exponent: number): [bigint, number] {
  return significand >> 64n === 0n ? [significand, exponent] : [significand >> 1n, exponent + 1];
}

const POWERS = computePowers();
const POWERS_OF_TEN: readonly number[] = [1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000];
const TWO_32 = 4294967296;
const INVERSE_32 = 2 ** -32;
const INVERSE_16 = 2 ** -16;
const LOG10_2 = 0.30102999566398114;
/** Beyond this many digits RapidJSON 1.1 no longer looks for the closest ones. */
const ROUNDED_DIGITS = 9;

/** Decimal digits of one double at a time. */
export class DecimalDigits {
  /** ASCII digits of the last `convert`; `length` of them count. */
  readonly digits = new Uint8Array(24);
  length = 0;
  /** value = digits * 10^exponent */
  exponent = 0;
  readonly #value = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#value.buffer);
  #productHigh = 0;
  #productLow = 0;

  /** `value` is finite and greater than 0. */
  convert(value: number): void {
    this.#value[0] = value;
    const bits = this.#halves[1]!;
    const fractionHigh = bits & 0xfffff;
    const fractionLow = this.#halves[0]!;
    const biased = (bits >>> 20) & 0x7ff;
    const high = biased === 0 ? fractionHigh : fractionHigh | 0x100000;
    const low = fractionLow;
    const binary = biased === 0 ? -1074 : biased - 1075;

    // Upper boundary 2f+1, then everything shifted until the top bit is set.
    const upperHigh = ((high << 1) | (low >>> 31)) >>> 0;
    const upperLow = ((low << 1) | 1) >>> 0;
    const shift = leadingZeros(upperHigh, upperLow);
    const plusHigh = shiftLeftHigh(upperHigh, upperLow, shift);
    const plusLow = shiftLeftLow(upperLow, shift);
    const scaledExponent = binary - 1 - shift;

    // Lower boundary: 2f-1, or 4f-1 one place lower where the double below is half a step away.
    const closer = fractionHigh === 0 && fractionLow === 0 && biased !== 0;
    const scale = closer ? 2 : 1;
    const lowerHigh = shiftLeftHigh(high, low, scale);
    const lowerLow = shiftLeftLow(low, scale);
    const borrowHigh = lowerLow === 0 ? lowerHigh - 1 : lowerHigh;
    const borrowLow = (lowerLow - 1) >>> 0;
    const lowerShift = closer ? shift - 1 : shift;
    const minusHigh = shiftLeftHigh(borrowHigh, borrowLow, lowerShift);
    const minusLow = shiftLeftLow(borrowLow, lowerShift);

    const valueShift = leadingZeros(high, low);
    const valueHigh = shiftLeftHigh(high, low, valueShift);
    const valueLow = shiftLeftLow(low, valueShift);

    const estimate = (-61 - scaledExponent) * LOG10_2 + 347;
    const index = (Math.ceil(estimate) >> 3) + 1;
    this.exponent = -(FIRST_DECIMAL_EXPONENT + index * DECIMAL_EXPONENT_STEP);
    const powerHigh = POWERS.high[index]!;
    const powerLow = POWERS.low[index]!;
    this.#multiply(valueHigh, valueLow, powerHigh, powerLow);
    const wHigh = this.#productHigh;
    const wLow = this.#productLow;
    this.#multiply(minusHigh, minusLow, powerHigh, powerLow);
    const tooLowHigh = this.#productLow === 0xffffffff ? this.#productHigh + 1 : this.#productHigh;
    const tooLowLow = (this.#productLow + 1) >>> 0;
    this.#multiply(plusHigh, plusLow, powerHigh, powerLow);
    const tooHighHigh = this.#productLow === 0 ? this.#productHigh - 1 : this.#productHigh;
    const tooHighLow = (this.#productLow - 1) >>> 0;

    this.#generate(
      tooHighHigh,
      tooHighLow,
      -(scaledExponent + POWERS.exponent[index]! + 64),
      subtractHigh(tooHighHigh, tooHighLow, tooLowHigh, tooLowLow),
      (tooHighLow - tooLowLow) >>> 0,
      subtractHigh(tooHighHigh, tooHighLow, wHigh, wLow),
      (tooHighLow - wLow) >>> 0,
    );
  }

  /** Upper 64 bits of the product, rounded by the bit below them. */
  #multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const b1 = bHigh >>> 16;
    const b0 = bHigh & 0xffff;
    const d1 = bLow >>> 16;
    const d0 = bLow & 0xffff;
    // Products of 32 by 16 bits, added up in columns of 16 bits; every sum stays below 2^53, and so exact.
    let column = Math.floor(aLow * d0 * INVERSE_16) + aLow * d1;
    column = Math.floor(column * INVERSE_16) + aLow * b0 + aHigh * d0;
    const third = Math.floor(column * INVERSE_16);
    column = third + aLow * b1 + aHigh * d1;
    const fourth = Math.floor(column * INVERSE_16);
    const rounding = (column - fourth * 65536) & 0x8000 ? 1 : 0;
    column = fourth + aHigh * b0;
    const fifth = Math.floor(column * INVERSE_16);
    const low = (column - fifth * 65536) & 0xffff;
    column = fifth + aHigh * b1;
    const high = Math.floor(column * INVERSE_16);
    const middle = column - high * 65536;
    const lowHalf = middle * 65536 + low + rounding;
    if (lowHalf === TWO_32) {
      this.#productHigh = high + 1;
      this.#productLow = 0;
    } else {
      this.#productHigh = high;
      this.#productLow = lowHalf;
    }
  }

  /** Digits of the upper boundary (with `shift` fraction bits, 32 to 60) until what is left is less than `delta`; `w` is its distance to the value. */
  #generate(
    high: number,
    low: number,
    shift: number,
    deltaHigh: number,
    deltaLow: number,
    wHigh: number,
    wLow: number,
  ): void {
    const extra = shift - 32;
    const mask = extra === 0 ? 0 : (0xffffffff >>> (32 - extra)) >>> 0;
    let integral = high >>> extra;
    let restHigh = (high & mask) >>> 0;
    let restLow = low;
    let kappa = countDigits(integral);
    this.length = 0;
    while (kappa > 0) {
      const power = POWERS_OF_TEN[kappa - 1]!;
      const digit = (integral / power) | 0;
      integral -= digit * power;
      if (digit !== 0 || this.length !== 0) this.digits[this.length++] = 48 + digit;
      kappa--;
      const leftHigh = ((integral << extra) >>> 0) + restHigh;
      if (leftHigh < deltaHigh || (leftHigh === deltaHigh && restLow <= deltaLow)) {
        this.exponent += kappa;
        const tenHigh = (POWERS_OF_TEN[kappa]! << extra) >>> 0;
        this.#round(deltaHigh, deltaLow, leftHigh, restLow, tenHigh, wHigh, wLow);
        return;
      }
    }
    const oneHigh = extra === 0 ? 1 : 2 ** extra;
    const inverse = 1 / oneHigh;
    let dHigh = deltaHigh;
    let dLow = deltaLow;
    let fractionDigits = 0;
    for (;;) {
      const product = restLow * 10;
      restLow = product >>> 0;
      const carried = restHigh * 10 + Math.floor(product * INVERSE_32);
      const deltaProduct = dLow * 10;
      dLow = deltaProduct >>> 0;
      dHigh = dHigh * 10 + Math.floor(deltaProduct * INVERSE_32);
      const digit = (carried * inverse) | 0;
      restHigh = carried - digit * oneHigh;
      if (digit !== 0 || this.length !== 0) this.digits[this.length++] = 48 + digit;
      fractionDigits++;
      if (restHigh < dHigh || (restHigh === dHigh && restLow < dLow)) {
        this.exponent -= fractionDigits;
        if (fractionDigits >= ROUNDED_DIGITS) return;
        const scale = POWERS_OF_TEN[fractionDigits]!;
        const scaledLow = wLow * scale;
        const scaledHigh = wHigh * scale + Math.floor(scaledLow / TWO_32);
        this.#round(dHigh, dLow, restHigh, restLow, oneHigh, scaledHigh, scaledLow >>> 0);
        return;
      }
    }
  }

  /** Lowers the last digit while that brings the number closer to the value. `tenHigh` is one unit of that digit, in upper halves. */
  #round(
    deltaHigh: number,
    deltaLow: number,
    restHigh: number,
    restLow: number,
    tenHigh: number,
    wHigh: number,
    wLow: number,
  ): void {
    let high = restHigh;
    const low = restLow;
    while (less(high, low, wHigh, wLow)) {
      const roomHigh = subtractHigh(deltaHigh, deltaLow, high, low);
      if (roomHigh < tenHigh) return;
      const nextHigh = high + tenHigh;
      if (!less(nextHigh, low, wHigh, wLow)) {
        // Go on only if the lower number is strictly closer to the value.
        const beforeHigh = subtractHigh(wHigh, wLow, high, low);
        const afterHigh = subtractHigh(nextHigh, low, wHigh, wLow);
        if (!less(afterHigh, (low - wLow) >>> 0, beforeHigh, (wLow - low) >>> 0)) return;
      }
      this.digits[this.length - 1]!--;
      high = nextHigh;
    }
  }
}

function less(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh < bHigh || (aHigh === bHigh && aLow < bLow);
}

/** Upper half of a - b for a >= b. */
function subtractHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return aLow >= bLow ? aHigh - bHigh : aHigh - bHigh - 1;
}

function leadingZeros(high: number, low: number): number {
  return high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
}

function shiftLeftHigh(high: number, low: number, bits: number): number {
  if (bits === 0) return high >>> 0;
  if (bits >= 32) return (low << (bits - 32)) >>> 0;
  return ((high << bits) | (low >>> (32 - bits))) >>> 0;
}

function shiftLeftLow(low: number, bits: number): number {
  return bits >= 32 ? 0 : (low << bits) >>> 0;
}

/** Decimal digits of an integer below 10^9, which is all there is to count here. */
function countDigits(value: number): number {
  let digits = 1;
  while (digits < 9 && value >= POWERS_OF_TEN[digits]!) digits++;
  return digits;
}
