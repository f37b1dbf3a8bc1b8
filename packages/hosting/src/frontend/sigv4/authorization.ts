import { AuthError } from './auth-error.ts';
import type { SigningScope } from './signing-key.ts';

/** A signature as a request carries it, in its `Authorization` header or (presigned) in its query. */
export interface ClaimedSignature {
  readonly accessKeyId: string;
  readonly scope: SigningScope;
  /** Lower case, in the order of the request. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  /** Presigned requests only: seconds of validity from the timestamp on. */
  readonly expiresSeconds?: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_PRESIGNED_SECONDS = 604_800;
const MAX_AUTHORIZATION_CHARS = 8192;

function incomplete(message: string): AuthError {
  return new AuthError('incomplete-signature', message);
}

function parseCredential(credential: string): { accessKeyId: string; scope: SigningScope } {
  const parts = credential.split('/');
  const [accessKeyId, date, region, service, terminator] = parts;
  if (parts.length !== 5 || !accessKeyId || !date || !region || !service) {
    throw incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential.slice(0, 128)}'`,
    );
  }
  if (terminator !== 'aws4_request') {
    throw incomplete(`Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'.`);
  }
  return { accessKeyId, scope: { date, region, service } };
}

function parseSignedHeaders(text: string): string[] {
  const names = text.split(';');
  if (names.some((name) => !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))) {
    throw incomplete(`SignedHeaders must be lower-case header names divided by ';', got '${text.slice(0, 128)}'`);
  }
  if (!names.includes('host') && !names.includes(':authority')) {
    throw incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  return names;
}

function parseSignature(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw incomplete('Signature must be 64 lower-case hexadecimal digits.');
  return text;
}

function checkTimestamp(timestamp: string, scope: SigningScope): void {
  if (!/^\d{8}T\d{6}Z$/.test(timestamp)) {
    throw incomplete(`Date must be in ISO-8601 'basic format'. Got '${timestamp.slice(0, 64)}'.`);
  }
  if (timestamp.slice(0, 8) !== scope.date) {
    throw new AuthError(
      'signature-mismatch',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  }
}

/** Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. Throws AuthError. */
export function parseAuthorization(header: string, timestamp: string | undefined): ClaimedSignature {
  if (header.length > MAX_AUTHORIZATION_CHARS) throw incomplete('Authorization header is too long.');
  if (!header.startsWith(`${ALGORITHM} `)) {
    throw incomplete(`Unsupported AWS 'algorithm': '${header.split(' ', 1)[0]?.slice(0, 64)}'.`);
  }
  const parameters = new Map<string, string>();
  for (const part of header.slice(ALGORITHM.length + 1).split(',')) {
    const at = part.indexOf('=');
    if (at > 0) parameters.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  const wanted = (name: string): string => {
    const value = parameters.get(name);
    if (!value) throw incomplete(`Authorization header requires '${name}' parameter.`);
    return value;
  };
  const { accessKeyId, scope } = parseCredential(wanted('Credential'));
  const signedHeaders = parseSignedHeaders(wanted('SignedHeaders'));
  const signature = parseSignature(wanted('Signature'));
  if (timestamp === undefined) {
    throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  checkTimestamp(timestamp, scope);
  return { accessKeyId, scope, signedHeaders, signature, timestamp };
}

/** Reads the `X-Amz-…` members of a presigned URL's query. Throws AuthError. */
export function parsePresigned(query: ReadonlyMap<string, string>): ClaimedSignature {
  const wanted = (name: string): string => {
    const value = query.get(name);
    if (!value) throw incomplete(`AWS query-string parameters must include '${name}'.`);
    return value;
  };
  if (wanted('X-Amz-Algorithm') !== ALGORITHM) throw incomplete("X-Amz-Algorithm only supports 'AWS4-HMAC-SHA256'.");
  const { accessKeyId, scope } = parseCredential(wanted('X-Amz-Credential'));
  const timestamp = wanted('X-Amz-Date');
  checkTimestamp(timestamp, scope);
  const expiresSeconds = Number(wanted('X-Amz-Expires'));
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > MAX_PRESIGNED_SECONDS) {
    throw incomplete(`X-Amz-Expires must be a number of seconds from 1 to ${MAX_PRESIGNED_SECONDS}.`);
  }
  return {
    accessKeyId,
    scope,
    signedHeaders: parseSignedHeaders(wanted('X-Amz-SignedHeaders')),
    signature: parseSignature(wanted('X-Amz-Signature')),
    timestamp,
    expiresSeconds,
  };
}

/** Milliseconds since 1970 of `YYYYMMDDTHHMMSSZ`; NaN for a date that does not exist. */
export function timestampMs(timestamp: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

export function formatTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
