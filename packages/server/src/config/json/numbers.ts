/** Above this, protobuf prints a whole number with an exponent, which makes Triton's JSON library print a fraction. */
const MAX_PLAIN_INTEGER = 1e15;

/** A double as Triton's JSON has it; what JSON has no number for becomes a string. */
export function printDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
  if (Number.isInteger(value) && Math.abs(value) < MAX_PLAIN_INTEGER)
    return Object.is(value, -0) ? '-0.0' : String(value);
  const text = String(value).replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A float with the fewest digits that still give the same float. */
export function printFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return printDouble(short);
  }
  return printDouble(value);
}
