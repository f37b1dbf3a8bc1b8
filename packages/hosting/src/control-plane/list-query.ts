import { createHash } from 'node:crypto';
import { validationException } from '../errors.ts';

/** The members that all List operations share. */
export interface ListInput {
  readonly SortBy?: string;
  readonly SortOrder?: 'Ascending' | 'Descending';
  readonly NextToken?: string;
  readonly MaxResults?: number;
  readonly NameContains?: string;
  readonly CreationTimeBefore?: number | string;
  readonly CreationTimeAfter?: number | string;
  readonly LastModifiedTimeBefore?: number | string;
  readonly LastModifiedTimeAfter?: number | string;
  readonly StatusEquals?: string;
}

export interface Listable {
  readonly name: string;
  readonly createdMs: number;
  readonly modifiedMs?: number;
  readonly status?: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextToken: string | undefined;
}

const DEFAULT_PAGE = 10;

/** Epoch seconds or ISO 8601 text as milliseconds. */
function milliseconds(time: number | string | undefined): number | undefined {
  if (time === undefined || time === null) return undefined;
  return typeof time === 'number' ? time * 1000 : Date.parse(time);
}

function between(timeMs: number, after: number | string | undefined, before: number | string | undefined): boolean {
  const [low, high] = [milliseconds(after), milliseconds(before)];
  return (low === undefined || timeMs > low) && (high === undefined || timeMs < high);
}

function matches(item: Listable, input: ListInput): boolean {
  const modifiedMs = item.modifiedMs ?? item.createdMs;
  return (
    (input.NameContains === undefined || item.name.includes(input.NameContains)) &&
    (input.StatusEquals === undefined || item.status === input.StatusEquals) &&
    between(item.createdMs, input.CreationTimeAfter, input.CreationTimeBefore) &&
    between(modifiedMs, input.LastModifiedTimeAfter, input.LastModifiedTimeBefore)
  );
}

type Key = readonly [string | number, string];

function sortKey(item: Listable, sortBy: string | undefined): Key {
  if (sortBy === 'Name') return [item.name, item.name];
  if (sortBy === 'Status') return [item.status ?? '', item.name];
  return [item.createdMs, item.name];
}

function compareKeys(a: Key, b: Key): number {
  for (const index of [0, 1] as const) {
    if (a[index] === b[index]) continue;
    return a[index] < b[index] ? -1 : 1;
  }
  return 0;
}

/** Which list a token belongs to: a token of another query is refused. */
function queryMark(input: ListInput): string {
  const { NextToken: _token, MaxResults: _max, ...query } = input;
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(query).sort()))
    .digest('base64url')
    .slice(0, 12);
}

function encodeToken(key: Key, input: ListInput): string {
  return Buffer.from(JSON.stringify([queryMark(input), ...key])).toString('base64url');
}

function decodeToken(token: string, input: ListInput): Key {
  try {
    const [mark, first, name] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[];
    const valid = (typeof first === 'string' || typeof first === 'number') && typeof name === 'string';
    if (mark === queryMark(input) && valid) return [first, name];
  } catch {
    // Refused below, like every other token that this query did not give out.
  }
  throw validationException('The NextToken is invalid: use the one that the same request without it returned.');
}

/** One page of what the filters leave, by the asked order (newest first unless told otherwise). Tokens stay valid while items come and go. */
export function listPage<Item extends Listable>(all: readonly Item[], input: ListInput): Page<Item> {
  const direction = input.SortOrder === 'Ascending' ? 1 : -1;
  const after = input.NextToken === undefined ? undefined : decodeToken(input.NextToken, input);
  const rest = all
    .filter((item) => matches(item, input))
    .map((item) => ({ item, key: sortKey(item, input.SortBy) }))
    .filter(({ key }) => after === undefined || compareKeys(key, after) * direction > 0)
    .sort((a, b) => compareKeys(a.key, b.key) * direction);
  const page = rest.slice(0, input.MaxResults ?? DEFAULT_PAGE);
  const last = page.at(-1);
  const nextToken = rest.length > page.length && last ? encodeToken(last.key, input) : undefined;
  return { items: page.map(({ item }) => item), nextToken };
}
