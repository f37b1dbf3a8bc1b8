import { realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

/** `path` with every link on its way resolved, undefined when that is not in `parent`. What does not exist counts where it would be. */
export async function confinedPath(path: string, parent: string): Promise<string | undefined> {
  const from = await realpath(parent);
  const canonical = await weaklyCanonical(path);
  return isBelow(canonical, from) ? canonical : undefined;
}

/** Whether `path` is `parent` or inside it, by their text alone. */
export function isBelow(path: string, parent: string): boolean {
  const way = relative(parent, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep));
}

/** Resolves the links of the part that exists and appends the rest. */
async function weaklyCanonical(path: string): Promise<string> {
  let existing = resolve(path);
  const rest: string[] = [];
  for (;;) {
    const found = await realpath(existing).catch(() => undefined);
    if (found !== undefined) return join(found, ...rest);
    const parent = dirname(existing);
    if (parent === existing) return resolve(path);
    rest.unshift(existing.slice(parent === sep ? 1 : parent.length + 1));
    existing = parent;
  }
}
