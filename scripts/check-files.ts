// House rules that no linter has: file sizes, leftovers, switched-off checks.
import { listFiles, readText, report } from './lib/sources.ts';

const WARN_LINES = 400;
const FAIL_LINES = 700;

/** What must not stay in the code, and why. Written in pieces so that this file does not find itself. */
const FORBIDDEN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: new RegExp(`\\b(${'TO'}DO|${'FIX'}ME|${'XX'}X)\\b`), why: 'unfinished work: do it, or file an issue' },
  { pattern: new RegExp(`@ts-(${'ig'}nore|${'no'}check)`), why: 'switches the type checker off' },
  { pattern: new RegExp(`\\btest\\.(${'ski'}p|${'on'}ly)\\(`), why: 'a test that does not run says nothing' },
];

const files = listFiles('{packages,scripts,bench,test}/**/*.{ts,mjs,js}').filter(
  (path) => !/\/(gen|cases)\//.test(path),
);
const problems: string[] = [];
for (const path of files) {
  const lines = readText(path).split('\n');
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (count > FAIL_LINES) problems.push(`${path}: ${count} lines, at most ${FAIL_LINES}: split it by purpose`);
  else if (count > WARN_LINES) console.warn(`warning: ${path}: ${count} lines, more than ${WARN_LINES}`);
  for (const [index, line] of lines.entries()) {
    for (const { pattern, why } of FORBIDDEN) {
      const found = pattern.exec(line);
      if (found !== null) problems.push(`${path}:${index + 1}: ${found[0].trim()} (${why})`);
    }
  }
}
report(`${files.length} files`, problems);
