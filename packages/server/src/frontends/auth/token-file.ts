import { hash } from 'node:crypto';
import { StatusError } from '@nereid/protocol';
import { GUARDED_APIS, type GuardedApi } from './gate.ts';

/** A token that is let in. The token itself is not kept. */
export interface TokenEntry {
  /** SHA-256, 32 bytes. */
  readonly digest: Buffer;
  /** What it opens; undefined: everything. */
  readonly apis: ReadonlySet<GuardedApi> | undefined;
}

const MAX_FILE_BYTES = 1024 * 1024;
/** Shorter ones can be guessed. */
const MIN_TOKEN_LENGTH = 16;
const TOKEN = /^[\x21-\x7e]+$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/i;

export function tokenDigest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/**
 * Reads a token file: a token on each line, or `sha256:` and its digest in hexadecimal, then, after white space, the APIs it opens (names with
 * commas between them; `all` when none are named). Empty lines and those that begin with `#` do not count.
 *
 * Throws StatusError INVALID_ARG that names the line and never what stands on it.
 */
export function parseTokenFile(text: string): readonly TokenEntry[] {
  if (text.length > MAX_FILE_BYTES) throw invalid(`is larger than ${MAX_FILE_BYTES} bytes`);
  const entries: TokenEntry[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    const trimmed = line.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) entries.push(parseLine(trimmed, index + 1));
  }
  if (entries.length === 0) throw invalid('has no token in it');
  return entries;
}

function parseLine(line: string, number: number): TokenEntry {
  const [token = '', apis = 'all', ...more] = line.split(/\s+/);
  if (more.length > 0) throw invalid(`line ${number}: expected a token and, after it, names of APIs without spaces`);
  return { digest: parseDigest(token, number), apis: parseApis(apis, number) };
}

function parseDigest(token: string, number: number): Buffer {
  const hex = DIGEST.exec(token)?.[1];
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  if (token.startsWith('sha256:')) throw invalid(`line ${number}: sha256: needs 64 hexadecimal digits`);
  if (token.length < MIN_TOKEN_LENGTH) {
    throw invalid(`line ${number}: a token needs at least ${MIN_TOKEN_LENGTH} characters`);
  }
  if (!TOKEN.test(token)) throw invalid(`line ${number}: a token consists of printable ASCII characters`);
  return tokenDigest(token);
}

function parseApis(text: string, number: number): ReadonlySet<GuardedApi> | undefined {
  const names = text.split(',');
  if (names.includes('all')) return undefined;
  return new Set(
    names.map((name) => {
      const api = GUARDED_APIS.find((each) => each === name);
      if (api === undefined) {
        throw invalid(`line ${number}: expected names of APIs (all, ${GUARDED_APIS.join(', ')}) after the token`);
      }
      return api;
    }),
  );
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', `the token file ${message}`);
}
