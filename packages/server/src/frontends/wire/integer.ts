const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/**
 * Reads an integer as C++'s `std::stoi` does: blanks, a sign, digits, whatever follows is ignored. 'invalid' without digits, 'range' beyond
 * 32 bits.
 */
export function parseInt32(text: string): number | 'invalid' | 'range' {
  const match = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text);
  if (match === null) return 'invalid';
  const value = Number(match[1]);
  return value > MAX_INT32 || value < MIN_INT32 ? 'range' : value;
}
