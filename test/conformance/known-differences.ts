import { readFileSync } from 'node:fs';

/** A part of an answer that differs, and how. */
export interface Difference {
  readonly part: 'status' | 'header' | 'content-type' | 'body' | 'startup';
  readonly recorded: string;
  readonly ours: string;
}

/** In which parts, and where, we differ from the recorded server on purpose. docs/compatibility.md lists every reason. */
interface DifferenceRule {
  readonly part: Difference['part'];
  /** Applies to this method, this recorded value, this value of ours; to any where not given. */
  readonly method?: string;
  readonly recorded?: string;
  readonly ours?: string;
  readonly reason: string;
}

/** Single exchanges that differ as a whole. A name may end with `*`. */
interface DifferentExchanges {
  readonly file: string;
  readonly names: readonly string[];
  readonly reason: string;
}

export interface KnownDifferences {
  readonly rules: readonly DifferenceRule[];
  readonly exchanges: readonly DifferentExchanges[];
}

export function readKnownDifferences(): KnownDifferences {
  return JSON.parse(readFileSync(new URL('./known-differences.json', import.meta.url), 'utf8')) as KnownDifferences;
}

/** Why an exchange may differ as a whole; undefined when it may not. */
export function exchangeReason(known: KnownDifferences, file: string, name: string): string | undefined {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  return known.exchanges.find((exchanges) => exchanges.file === file && exchanges.names.some(matches))?.reason;
}

/** Why a difference is deliberate; undefined when it is not. */
export function differenceReason(known: KnownDifferences, difference: Difference, method: string): string | undefined {
  return known.rules.find(
    (rule) =>
      rule.part === difference.part &&
      (rule.method ?? method) === method &&
      (rule.recorded ?? difference.recorded) === difference.recorded &&
      (rule.ours ?? difference.ours) === difference.ours,
  )?.reason;
}
