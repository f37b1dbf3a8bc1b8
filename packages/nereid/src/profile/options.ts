import type { Distribution } from './load/open-loop.ts';
import type { SearchSpace } from './search/candidate.ts';

/** How many requests are outstanding, or sent a second; each value is measured. */
export type LoadPlan =
  | { readonly kind: 'concurrency'; readonly values: readonly number[] }
  | { readonly kind: 'request-rate'; readonly values: readonly number[]; readonly distribution: Distribution };

export interface ProfileOptions {
  readonly model: string;
  readonly version: string | undefined;
  /** A running server, or a repository to serve. */
  readonly server: { readonly url: string } | { readonly repository: string; readonly entryPoint: string };
  readonly load: LoadPlan;
  readonly batchSize: number;
  readonly sequenceLength: number;
  readonly inputData: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly windowMs: number;
  readonly stabilityPercentage: number;
  readonly maxTrials: number;
  readonly percentile: number | undefined;
  readonly maxConnections: number;
  readonly seed: number;
  /** Not given: no search. */
  readonly search:
    | { readonly space: SearchSpace; readonly latencyBudgetMs: number | undefined; readonly outputDirectory: string }
    | undefined;
  readonly csvFile: string | undefined;
}

/** An option that cannot be understood. */
export class ProfileOptionError extends Error {}

const MAX_RANGE_VALUES = 1000;

/** `4`, `1:8` or `1:8:2`, ends included. */
export function parseRange(text: string, option: string): number[] {
  const parts = text.split(':').map(Number);
  const [start = Number.NaN, end = start, step = 1] = parts;
  const ok = parts.length <= 3 && [start, end, step].every((part) => Number.isFinite(part) && part > 0) && end >= start;
  if (!ok || (end - start) / step >= MAX_RANGE_VALUES) {
    throw new ProfileOptionError(`${option} takes start:end:step of at most ${MAX_RANGE_VALUES} values, got '${text}'`);
  }
  return Array.from({ length: Math.floor((end - start) / step + 1e-9) + 1 }, (_, index) => start + index * step);
}

export function parseCount(text: string, option: string, minimum = 1): number {
  const count = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(count) && count >= minimum) return count;
  throw new ProfileOptionError(`${option} takes a whole number of at least ${minimum}, got '${text}'`);
}

export function parseNumber(
  text: string,
  option: string,
  limits: { readonly min: number; readonly max?: number },
): number {
  const value = Number(text);
  const { min, max = Number.MAX_VALUE } = limits;
  if (text.trim() !== '' && value >= min && value <= max) return value;
  const range = limits.max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new ProfileOptionError(`${option} takes a number ${range}, got '${text}'`);
}

/** `NAME:1,3,224,224` */
export function parseShapes(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  return new Map(
    texts.map((text) => {
      const colon = text.lastIndexOf(':');
      const dims = text.slice(colon + 1).split(',');
      if (colon <= 0) throw new ProfileOptionError(`--shape takes NAME:dim,dim,…, got '${text}'`);
      return [text.slice(0, colon), dims.map((dim) => parseCount(dim, '--shape', 0))] as const;
    }),
  );
}

/** Numbers between commas; `word` stands for itself. */
export function parseList<Word extends string>(
  text: string,
  option: string,
  word: Word,
  minimum: number,
): (number | Word)[] {
  return text.split(',').map((part) => (part.trim() === word ? word : parseCount(part.trim(), option, minimum)));
}
