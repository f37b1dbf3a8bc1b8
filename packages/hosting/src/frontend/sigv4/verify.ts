import type { KeyObject } from 'node:crypto';
import { AuthError } from './auth-error.ts';
import {
  type ClaimedSignature,
  formatTimestamp,
  parseAuthorization,
  parsePresigned,
  timestampMs,
} from './authorization.ts';
import { canonicalRequestHead, queryPairs, type SignableRequest, sha256Hex } from './canonical-request.ts';
import { presignedV2, verifyPresignedV2 } from './presigned-v2.ts';
import { SigningKeys, sameSignature, scopeText, signText } from './signing-key.ts';

/** What is left to check once the body arrives. */
export type PayloadRule =
  /** Nothing: the signature does not cover the body. */
  | { readonly kind: 'unsigned' }
  /** The signature is good; the body must have this SHA-256. */
  | { readonly kind: 'sha256'; readonly hex: string }
  /** The body's SHA-256 is part of the signature and was not announced: `finish` throws AuthError if they do not fit. */
  | { readonly kind: 'deferred'; readonly finish: (bodySha256Hex: string) => void }
  /** `aws-chunked` framing; `signing` present when every chunk carries a signature. */
  | { readonly kind: 'chunked'; readonly trailer: boolean; readonly signing?: ChunkSigning };

/** What chunk signatures are made from. */
export interface ChunkSigning {
  readonly key: KeyObject;
  readonly timestamp: string;
  readonly scope: string;
  readonly seedSignature: string;
}

export interface VerifiedRequest {
  readonly accessKeyId: string;
  readonly service: string;
  readonly region: string;
  readonly payload: PayloadRule;
}

export interface SignatureVerifierOptions {
  /** The secret of an access key id; undefined for a key that does not exist. */
  readonly secretOf: (accessKeyId: string) => string | undefined;
  readonly now: () => number;
  /** The bucket that a Host header names in virtual-host style, undefined for path style: Signature Version 2 signs it. */
  readonly bucketOfHost: (host: string) => string | undefined;
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const S3_SKEW_MS = 15 * 60_000;
const SKEW_MS = 5 * 60_000;

function headerValue(request: SignableRequest, name: string): string | undefined {
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    if (request.rawHeaders[at]?.toLowerCase() === name) return request.rawHeaders[at + 1];
  }
  return undefined;
}

function requestTimestamp(request: SignableRequest): string | undefined {
  const amzDate = headerValue(request, 'x-amz-date');
  if (amzDate !== undefined) return amzDate;
  const date = headerValue(request, 'date');
  const timeMs = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(timeMs) ? undefined : formatTimestamp(timeMs);
}

/**
 * Checks AWS Signature Version 4 (Authorization header or presigned query), as the AWS General Reference describes it. A request is let in
 * when the key is known, the time fits, every `x-amz-` header is signed and the signature is right.
 */
export class SignatureVerifier {
  readonly #options: SignatureVerifierOptions;
  readonly #keys = new SigningKeys();

  constructor(options: SignatureVerifierOptions) {
    this.#options = options;
  }

  /** Throws AuthError. A `deferred` payload rule means that the signature is checked after the body. */
  verify(request: SignableRequest): VerifiedRequest {
    const authorization = headerValue(request, 'authorization');
    const old = authorization === undefined ? presignedV2(request) : undefined;
    if (old) return this.#verifyOld(request, old);
    const presigned = authorization === undefined ? this.#presignedQuery(request) : undefined;
    if (authorization === undefined && presigned === undefined) {
      throw new AuthError('missing-token', 'Missing Authentication Token');
    }
    const claim = presigned
      ? parsePresigned(presigned)
      : parseAuthorization(authorization ?? '', requestTimestamp(request));
    const secret = this.#options.secretOf(claim.accessKeyId);
    if (secret === undefined) {
      throw new AuthError('unknown-key', 'The security token included in the request is invalid.');
    }
    this.#checkTime(claim);
    this.#checkAmzHeaders(request, claim);
    return {
      accessKeyId: claim.accessKeyId,
      service: claim.scope.service,
      region: claim.scope.region,
      payload: this.#payloadRule(request, claim, secret, presigned),
    };
  }

  #verifyOld(request: SignableRequest, query: ReadonlyMap<string, string>): VerifiedRequest {
    const { secretOf, now, bucketOfHost } = this.#options;
    const check = { secretOf, nowMs: now(), bucketOfHost: bucketOfHost(headerValue(request, 'host') ?? '') };
    const accessKeyId = verifyPresignedV2(request, query, check);
    return { accessKeyId, service: 's3', region: '', payload: { kind: 'unsigned' } };
  }

  #presignedQuery(request: SignableRequest): Map<string, string> | undefined {
    if (!request.rawQuery.includes('X-Amz-')) return undefined;
    const query = new Map(queryPairs(request.rawQuery));
    return query.has('X-Amz-Signature') || query.has('X-Amz-Algorithm') ? query : undefined;
  }

  #checkTime(claim: ClaimedSignature): void {
    const signedAt = timestampMs(claim.timestamp);
    const now = this.#options.now();
    if (Number.isNaN(signedAt)) {
      throw new AuthError('incomplete-signature', `Date must be in ISO-8601 'basic format'. Got '${claim.timestamp}'.`);
    }
    const skewMs = claim.scope.service === 's3' ? S3_SKEW_MS : SKEW_MS;
    if (signedAt > now + skewMs) {
      const [edge, current] = [formatTimestamp(now + skewMs), formatTimestamp(now)];
      throw new AuthError(
        'clock-skew',
        `Signature not yet current: ${claim.timestamp} is still later than ${edge} (${current} + ${skewMs / 60_000} min.)`,
      );
    }
    if (claim.expiresSeconds !== undefined) {
      if (now > signedAt + claim.expiresSeconds * 1000) throw new AuthError('expired', 'Request has expired');
      return;
    }
    if (signedAt < now - skewMs) {
      const [edge, current] = [formatTimestamp(now - skewMs), formatTimestamp(now)];
      throw new AuthError(
        'clock-skew',
        `Signature expired: ${claim.timestamp} is now earlier than ${edge} (${current} - ${skewMs / 60_000} min.)`,
      );
    }
  }

  #checkAmzHeaders(request: SignableRequest, claim: ClaimedSignature): void {
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      const name = (request.rawHeaders[at] ?? '').toLowerCase();
      if (name.startsWith('x-amz-') && !claim.signedHeaders.includes(name)) {
        throw new AuthError(
          'headers-not-signed',
          `There were headers present in the request which were not signed: ${name}`,
        );
      }
    }
  }

  #payloadRule(
    request: SignableRequest,
    claim: ClaimedSignature,
    secret: string,
    presigned: ReadonlyMap<string, string> | undefined,
  ): PayloadRule {
    const { scope } = claim;
    const key = this.#keys.get(secret, scope);
    const head = canonicalRequestHead(request, scope.service, claim.signedHeaders);
    const check = (payloadHash: string): void => {
      const hash = sha256Hex(head + payloadHash);
      const expected = signText(key, `AWS4-HMAC-SHA256\n${claim.timestamp}\n${scopeText(scope)}\n${hash}`);
      if (!sameSignature(expected, claim.signature)) throw new AuthError('signature-mismatch', MISMATCH);
    };
    const announced =
      headerValue(request, 'x-amz-content-sha256') ??
      presigned?.get('X-Amz-Content-Sha256') ??
      (presigned && scope.service === 's3' ? 'UNSIGNED-PAYLOAD' : undefined);
    if (announced === undefined) return { kind: 'deferred', finish: check };
    check(announced);
    if (announced === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' };
    if (announced.startsWith('STREAMING-')) {
      return chunkedRule(announced, {
        key,
        timestamp: claim.timestamp,
        scope: scopeText(scope),
        seedSignature: claim.signature,
      });
    }
    if (!/^[0-9a-f]{64}$/i.test(announced)) {
      throw new AuthError(
        'incomplete-signature',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- form, or a valid sha256 value.',
      );
    }
    return { kind: 'sha256', hex: announced.toLowerCase() };
  }
}

function chunkedRule(announced: string, signing: ChunkSigning): PayloadRule {
  switch (announced) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunked', trailer: true };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunked', trailer: false, signing };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunked', trailer: true, signing };
    default:
      throw new AuthError(
        'incomplete-signature',
        `x-amz-content-sha256 has an unknown form: '${announced.slice(0, 64)}'`,
      );
  }
}

/** How a body is framed when nobody has to sign: `--no-auth` hosts still read `aws-chunked`. */
export function unverifiedPayloadRule(contentSha256: string | undefined): PayloadRule {
  if (contentSha256?.startsWith('STREAMING-')) {
    return { kind: 'chunked', trailer: contentSha256.endsWith('-TRAILER') };
  }
  return { kind: 'unsigned' };
}
