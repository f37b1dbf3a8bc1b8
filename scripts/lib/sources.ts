import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Files of the repository that match, as paths relative to its root, sorted. Build products and dependencies are left out. */
export function listFiles(...patterns: string[]): string[] {
  const found = globSync(patterns, { cwd: ROOT, exclude: (name) => name === 'node_modules' || name === 'dist' });
  return found.map((path) => path.replaceAll('\\', '/')).sort();
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Prints the findings and ends the process: 0 when there are none. */
export function report(checked: string, problems: readonly string[]): never {
  for (const problem of problems) console.error(problem);
  if (problems.length === 0) console.log(checked);
  else console.error(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
  process.exit(problems.length === 0 ? 0 : 1);
}
