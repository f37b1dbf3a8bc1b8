/**
 * The loops that read runs of plain numbers, `1, 2, 3`, from text straight into typed arrays. Each starts at the first byte of a value and
 * stops in front of anything it does not know (blanks but the one behind a comma, brackets, long or odd numbers), in front of the value
 * for which there is no room, or behind the comma at which it passes `stopAt`. What stops it is left to the caller.
 */
const COMMA = 44;
const SPACE = 32;
const MINUS = 45;
const POINT = 46;

export class RunResult {
  /** Behind the last value that was read, or behind the comma that follows it. */
  pos = 0;
  /** Values read so far, those before this run included. */
  count = 0;
  /** The last thing read was a comma (or nothing was read): a value has to follow. */
  expectsValue = true;
  /** Where `readFloatRun` takes numbers apart. */
  readonly decimal = new Decimal();
}

/** Fewer values than this are not worth a view of the text by words. */
const WORD_LOOP_MIN_VALUES = 32;

/** Integers of up to three digits without sign, for UINT8. This loop reads most of what image clients send. */
export function readByteRun(bytes: Uint8Array, stopAt: number, out: Uint8Array, room: number, run: RunResult): void {
  if (room - run.count >= WORD_LOOP_MIN_VALUES) readByteWords(bytes, stopAt, out, room, run);
  let pos = run.pos;
  let count = run.count;
  // One branch per length, and the separator read where it stands.
  while (count < room && pos < stopAt) {
    const first = bytes[pos]!;
    if (first < 48 || first > 57) break;
    const second = bytes[pos + 1]!;
    if (second === COMMA) {
      out[count++] = first - 48;
      pos += 2;
    } else {
      if (second < 48 || second > 57 || first === 48) break;
      const third = bytes[pos + 2]!;
      if (third === COMMA) {
        out[count++] = first * 10 + second - 528;
        pos += 3;
      } else {
        if (third < 48 || third > 57 || bytes[pos + 3] !== COMMA) break;
        out[count++] = first * 100 + second * 10 + third - 5328;
        pos += 4;
      }
    }
    if (bytes[pos] === SPACE) pos++;
  }
  run.pos = pos;
  run.count = count;
  run.expectsValue = true;
}

/**
 * The same four bytes at a time. How many digits a number has is random in a picture, and a branch on it is mispredicted for every other number;
 * here the comma's place is computed instead and no branch depends on the data of a valid text.
 */
function readByteWords(bytes: Uint8Array, stopAt: number, out: Uint8Array, room: number, run: RunResult): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(stopAt, bytes.byteLength - 4);
  let pos = run.pos;
  let count = run.count;
  while (count < room && pos < end) {
    const word = view.getInt32(pos, true);
    // Bit 4 tells digits from commas and blanks. The next number's place hangs on this value alone, so it is kept short.
    const second = (word >>> 12) & 1;
    const more = second + (second & (word >>> 20));
    if (((word >>> (more * 8 + 8)) & 0xff) !== COMMA) break;
    const shift = 24 - more * 8;
    // Ones in the highest byte, tens and hundreds below, zero where there is no digit.
    const digits = (word << shift) - (0x30303030 << shift);
    if ((((digits + 0x76767676) | digits) & 0x80808080) !== 0) break;
    if ((word & 0xff) === 48 && more !== 0) break;
    out[count++] = (digits >>> 24) + 10 * ((digits >>> 16) & 0xff) + 100 * ((digits >>> 8) & 0xff);
    pos += more + 2;
    if (bytes[pos] === SPACE) pos++;
  }
  run.pos = pos;
  run.count = count;
}

/** Integers of up to nine digits, stored with wrap-around; a minus sign ends the run where `signed` is false. */
export function readIntegerRun(
  bytes: Uint8Array,
  stopAt: number,
  out: Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array,
  signed: boolean,
  room: number,
  run: RunResult,
): void {
  let pos = run.pos;
  let count = run.count;
  while (count < room && pos < stopAt) {
    let next = pos;
    let byte = bytes[next]!;
    const negative = byte === MINUS;
    if (negative) {
      if (!signed) break;
      byte = bytes[++next]!;
    }
    if (byte < 48 || byte > 57) break;
    let value = byte - 48;
    byte = bytes[++next]!;
    if (byte !== COMMA) {
      if (value === 0) break;
      const limit = next + 8;
      while (byte >= 48 && byte <= 57 && next < limit) {
        value = value * 10 + byte - 48;
        byte = bytes[++next]!;
      }
      if (byte !== COMMA) break;
    }
    out[count++] = negative ? -value : value;
    pos = next + 1;
    if (bytes[pos] === SPACE) pos++;
  }
  run.pos = pos;
  run.count = count;
  run.expectsValue = true;
}

/** Integers of up to 15 digits for the 64-bit types: `out` holds the low and the high half of each element, `room` counts elements. */
export function readLongRun(
  bytes: Uint8Array,
  stopAt: number,
  out: Int32Array,
  signed: boolean,
  room: number,
  run: RunResult,
): void {
  let pos = run.pos;
  let count = run.count;
  while (count < room && pos < stopAt) {
    let next = pos;
    let byte = bytes[next]!;
    const negative = byte === MINUS;
    if (negative) {
      if (!signed) break;
      byte = bytes[++next]!;
    }
    if (byte < 48 || byte > 57) break;
    let value = byte - 48;
    byte = bytes[++next]!;
    if (byte !== COMMA) {
      if (value === 0) break;
      const limit = next + 14;
      while (byte >= 48 && byte <= 57 && next < limit) {
        value = value * 10 + byte - 48;
        byte = bytes[++next]!;
      }
      if (byte !== COMMA) break;
    }
    if (negative) value = -value;
    out[count * 2] = value;
    out[count * 2 + 1] = Math.floor(value / 4294967296);
    count++;
    pos = next + 1;
    if (bytes[pos] === SPACE) pos++;
  }
  run.pos = pos;
  run.count = count;
  run.expectsValue = true;
}

/** Digits a double holds exactly, so that one operation with an exact power of ten rounds correctly (Clinger's fast path). */
const EXACT_DIGITS = 15;
/** Digits that are added up as 32-bit integers, in two halves: shorter chains of dependent operations than in doubles. */
const HALF_DIGITS = 9;
const MAX_APPROXIMATE_EXPONENT = 280;
/** Bound on the relative error of an approximation: a handful of roundings of 2^-53. */
const RELATIVE_ERROR = 2 ** -49;
const POWERS: readonly number[] = Array.from({ length: 301 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * `mantissa * 10^exponent` as an FP32 value, NaN where the approximation does not decide: where both ends of what the exact value may be
 * round to one FP32 value, so does the double that Triton goes through.
 */
function approximateFloat(mantissa: number, exponent: number): number {
  if (exponent > MAX_APPROXIMATE_EXPONENT || exponent < -MAX_APPROXIMATE_EXPONENT) return Number.NaN;
  const value = exponent < 0 ? mantissa / POWERS[-exponent]! : mantissa * POWERS[exponent]!;
  const low = Math.fround(value * (1 - RELATIVE_ERROR));
  return low === Math.fround(value * (1 + RELATIVE_ERROR)) ? low : Number.NaN;
}

/** The parts of a decimal number, as `scanDecimal` leaves them. */
class Decimal {
  /** Significant digits, leading zeros left out. */
  digits = 0;
  mantissa = 0;
  exponent = 0;
  /** Written without fraction and exponent. */
  integer = true;
}

/**
 * Reads a number without sign at `start` and answers the offset behind it, or -1 for one that is malformed, has more than 18 digits or an
 * exponent of more than two: those have rules of their own.
 */
function scanDecimal(bytes: Uint8Array, start: number, decimal: Decimal): number {
  let next = start;
  let byte = bytes[next]!;
  if (byte < 48 || byte > 57) return -1;
  let high = byte - 48;
  let low = 0;
  let digits = high === 0 ? 0 : 1;
  byte = bytes[++next]!;
  if (digits !== 0) {
    while (byte >= 48 && byte <= 57) {
      if (digits < HALF_DIGITS) high = high * 10 + byte - 48;
      else if (digits < 2 * HALF_DIGITS) low = low * 10 + byte - 48;
      digits++;
      byte = bytes[++next]!;
    }
  }
  let exponent = 0;
  decimal.integer = true;
  if (byte === POINT) {
    decimal.integer = false;
    const point = ++next;
    byte = bytes[next]!;
    while (digits === 0 && byte === 48) byte = bytes[++next]!;
    while (byte >= 48 && byte <= 57) {
      if (digits < HALF_DIGITS) high = high * 10 + byte - 48;
      else if (digits < 2 * HALF_DIGITS) low = low * 10 + byte - 48;
      digits++;
      byte = bytes[++next]!;
    }
    exponent = point - next;
    if (exponent === 0) return -1;
  }
  if (byte === 101 || byte === 69) {
    decimal.integer = false;
    byte = bytes[++next]!;
    const minus = byte === MINUS;
    if (minus || byte === 43) byte = bytes[++next]!;
    const first = next;
    let power = 0;
    while (byte >= 48 && byte <= 57) {
      power = power * 10 + byte - 48;
      byte = bytes[++next]!;
    }
    if (next === first || next - first > 2) return -1;
    exponent += minus ? -power : power;
  }
  if (digits > 2 * HALF_DIGITS) return -1;
  decimal.digits = digits;
  decimal.mantissa = digits <= HALF_DIGITS ? high : high * POWERS[digits - HALF_DIGITS]! + low;
  decimal.exponent = exponent;
  return next;
}

/** Decimal numbers with fraction and exponent, for FP32 (`Float32Array`) and FP64. What is not sure to round correctly ends the run. */
export function readFloatRun(
  bytes: Uint8Array,
  stopAt: number,
  out: Float32Array | Float64Array,
  room: number,
  run: RunResult,
): void {
  const approximate = out instanceof Float32Array;
  const decimal = run.decimal;
  let pos = run.pos;
  let count = run.count;
  while (count < room && pos < stopAt) {
    const negative = bytes[pos] === MINUS;
    const next = scanDecimal(bytes, negative ? pos + 1 : pos, decimal);
    if (next < 0 || bytes[next] !== COMMA) break;
    const { mantissa, exponent } = decimal;
    let value: number;
    if (decimal.digits <= EXACT_DIGITS && exponent >= -22 && exponent <= 22) {
      value = exponent < 0 ? mantissa / POWERS[-exponent]! : mantissa * POWERS[exponent]!;
    } else {
      value = approximate ? approximateFloat(mantissa, exponent) : Number.NaN;
      if (Number.isNaN(value)) break;
    }
    // An integer 0 has no sign in RapidJSON: "-0" is 0 and "-0.0" is -0.
    out[count++] = negative && !(decimal.integer && value === 0) ? -value : value;
    pos = next + 1;
    if (bytes[pos] === SPACE) pos++;
  }
  run.pos = pos;
  run.count = count;
  run.expectsValue = true;
}
