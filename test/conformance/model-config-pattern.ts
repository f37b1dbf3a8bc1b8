/**
 * A grep pattern (POSIX basic regular expression) as a JavaScript one: `( ) { } + ? |` are plain unless a backslash stands before them.
 * Several lines are alternatives, as grep takes them.
 */
export function grepPattern(pattern: string): RegExp {
  const alternatives = pattern.replace(/\n+$/, '').split('\n');
  return new RegExp(alternatives.map((line) => `(?:${translate(line)})`).join('|'));
}

const SWAPPED = new Set('(){}+?|');

function translate(pattern: string): string {
  let result = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (character === '\\') {
      index += 1;
      const next = pattern.charAt(index);
      result += SWAPPED.has(next) ? next : `\\${next}`;
    } else if (character === '[') {
      // The first character of a bracket expression may be a bracket itself.
      const end = pattern.indexOf(']', pattern.charAt(index + 1) === '^' ? index + 3 : index + 2);
      if (end < 0) return `${result}\\[${translate(pattern.slice(index + 1))}`;
      result += `[${pattern.slice(index + 1, end).replace(/[\\\]]/g, '\\$&')}]`;
      index = end;
    } else {
      result += SWAPPED.has(character) ? `\\${character}` : character;
    }
  }
  return result;
}
