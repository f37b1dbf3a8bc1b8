/**
 * The service models write patterns in Java's dialect and mean the whole value. `\A`, `\z` and `\p{Print}` (ASCII only there) have other
 * spellings in JavaScript; everything else that occurs means the same with the `u` flag.
 */
export function compilePattern(pattern: string): RegExp {
  const translated = pattern
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replaceAll('[\\p{Print}]', '[\\x20-\\x7E]')
    .replaceAll('\\p{Print}', '[\\x20-\\x7E]');
  return new RegExp(`^(?:${translated})$`, 'u');
}
