import { formatTimestamp } from './authorization.ts';
import { canonicalRequestHead, sha256Hex } from './canonical-request.ts';
import { SigningKeys, scopeText, signText } from './signing-key.ts';

export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  /** Further headers to send and sign. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payloadSha256: string;
}

export interface SignerOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
  readonly now: () => number;
}

/** Signs requests to another service, such as an S3-compatible store, with an Authorization header. */
export class RequestSigner {
  readonly #options: SignerOptions;
  readonly #keys = new SigningKeys();

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** All headers to send, `Host` included. */
  sign(request: OutgoingRequest): Record<string, string> {
    const { accessKeyId, secretAccessKey, region, service, now } = this.#options;
    const timestamp = formatTimestamp(now());
    const headers: Record<string, string> = {
      ...request.headers,
      host: request.url.host,
      'x-amz-content-sha256': request.payloadSha256,
      'x-amz-date': timestamp,
    };
    const signedHeaders = Object.keys(headers).sort();
    const signable = {
      method: request.method,
      rawPath: request.url.pathname,
      rawQuery: request.url.search.slice(1),
      rawHeaders: Object.entries(headers).flat(),
    };
    const scope = { date: timestamp.slice(0, 8), region, service };
    const hash = sha256Hex(canonicalRequestHead(signable, service, signedHeaders) + request.payloadSha256);
    const key = this.#keys.get(secretAccessKey, scope);
    const signature = signText(key, `AWS4-HMAC-SHA256\n${timestamp}\n${scopeText(scope)}\n${hash}`);
    const credential = `${accessKeyId}/${scopeText(scope)}`;
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
    return headers;
  }
}
