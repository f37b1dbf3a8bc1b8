import { readFileSync } from 'node:fs';

/** Exchanges in which we differ from the recorded server on purpose. Every entry has its reason; docs/compatibility.md lists them. */
export interface KnownDifferences {
  readonly differences: readonly {
    readonly file: string;
    readonly names: readonly string[];
    readonly reason: string;
  }[];
}

export function readKnownDifferences(): KnownDifferences {
  return JSON.parse(readFileSync(new URL('./known-differences.json', import.meta.url), 'utf8')) as KnownDifferences;
}

/** The reason an exchange differs, undefined when it has to be equal. A name may end with `*`. */
export function knownDifference(known: KnownDifferences, file: string, name: string): string | undefined {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  return known.differences.find((difference) => difference.file === file && difference.names.some(matches))?.reason;
}
