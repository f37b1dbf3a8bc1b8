import { Readable } from 'node:stream';
import { XMLParser } from 'fast-xml-parser';
import { ServiceError } from '../../errors.ts';
import { RequestSigner, uriEncode, uriEncodePath } from '../../frontend/sigv4/index.ts';
import type { ObjectAccess, ObjectInfo } from './object-access.ts';

export interface ExternalAccessOptions {
  /** `http://` or `https://` with host and port: the operator's, the only place requests go to. */
  readonly endpoint: URL;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly now: () => number;
}

const LIST_TIMEOUT_MS = 30_000;
const MAX_LISTING_BYTES = 8 * 1024 * 1024;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  removeNSPrefix: true,
  isArray: (name) => name === 'Contents',
});

interface ListDocument {
  readonly ListBucketResult?: {
    readonly Contents?: readonly { Key?: string; Size?: string; ETag?: string }[];
    readonly IsTruncated?: string;
    readonly NextContinuationToken?: string;
  };
}

/** An S3-compatible store elsewhere, in path style. Redirects are not followed: an answer cannot send the host to another address. */
export class ExternalAccess implements ObjectAccess {
  readonly #options: ExternalAccessOptions;
  readonly #signer: RequestSigner;

  constructor(options: ExternalAccessOptions) {
    this.#options = options;
    this.#signer = new RequestSigner({ ...options, service: 's3' });
  }

  async head(bucket: string, key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const answer = await this.#send('HEAD', bucket, key, '', signal);
    await answer.body?.cancel();
    if (answer.status === 404) return undefined;
    this.#assertOk(answer, `s3://${bucket}/${key}`);
    const sizeBytes = Number(answer.headers.get('content-length') ?? 0);
    return { key, sizeBytes, version: `${answer.headers.get('etag')}-${sizeBytes}` };
  }

  async open(bucket: string, key: string, signal?: AbortSignal): Promise<Readable> {
    const answer = await this.#send('GET', bucket, key, '', signal);
    if (!answer.ok) await answer.body?.cancel();
    this.#assertOk(answer, `s3://${bucket}/${key}`);
    return answer.body ? Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]) : Readable.from([]);
  }

  async list(bucket: string, prefix: string, maxObjects: number, signal?: AbortSignal): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    let token: string | undefined;
    do {
      const query = [
        ...(token === undefined ? [] : [`continuation-token=${uriEncode(token)}`]),
        'list-type=2',
        `prefix=${uriEncode(prefix)}`,
      ].join('&');
      const limit = AbortSignal.timeout(LIST_TIMEOUT_MS);
      const answer = await this.#send('GET', bucket, '', query, signal ? AbortSignal.any([signal, limit]) : limit);
      const text = await answer.text();
      this.#assertOk(answer, `s3://${bucket}/${prefix}`);
      if (text.length > MAX_LISTING_BYTES || /<!DOCTYPE/i.test(text))
        throw new Error('the object store sent a listing that is none');
      const page = (parser.parse(text) as ListDocument).ListBucketResult;
      for (const { Key: key = '', Size: size = '0', ETag: etag = '' } of page?.Contents ?? []) {
        found.push({ key, sizeBytes: Number(size), version: `${etag}-${size}` });
      }
      if (found.length > maxObjects)
        throw new Error(`more than ${maxObjects} objects under 's3://${bucket}/${prefix}'`);
      token = page?.IsTruncated === 'true' ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return found;
  }

  async put(bucket: string, key: string, body: Readable, contentType: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = this.#url(bucket, key, '');
    const headers = this.#signer.sign({
      method: 'PUT',
      url,
      headers: { 'content-type': contentType },
      payloadSha256: 'UNSIGNED-PAYLOAD',
    });
    const answer = await fetch(url, { method: 'PUT', headers, body: Buffer.concat(chunks), redirect: 'manual' });
    await answer.body?.cancel();
    this.#assertOk(answer, `s3://${bucket}/${key}`);
  }

  #url(bucket: string, key: string, query: string): URL {
    const url = new URL(this.#options.endpoint);
    // A key with dot segments would be normalised to another key on its way: refused rather than misread.
    if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
      throw new ServiceError('InvalidArgument', `the key of 's3://${bucket}/${key}' has a dot segment`);
    }
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${uriEncodePath(bucket)}${key === '' ? '' : `/${uriEncodePath(key)}`}`;
    url.search = query;
    return url;
  }

  #send(
    method: string,
    bucket: string,
    key: string,
    query: string,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const url = this.#url(bucket, key, query);
    const headers = this.#signer.sign({ method, url, headers: {}, payloadSha256: EMPTY_SHA256 });
    return fetch(url, { method, headers, redirect: 'manual', ...(signal && { signal }) });
  }

  #assertOk(answer: Response, subject: string): void {
    if (answer.ok) return;
    const code = answer.status === 404 ? 'NoSuchKey' : 'ObjectStoreError';
    throw new ServiceError(
      code,
      `the object store at ${this.#options.endpoint.host} answered ${answer.status} for '${subject}'`,
    );
  }
}
