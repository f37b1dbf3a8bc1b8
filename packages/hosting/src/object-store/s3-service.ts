import type { ServerResponse } from 'node:http';
import { ServiceError } from '../errors.ts';
import { AuthError, ChunkFormatError } from '../frontend/sigv4/index.ts';
import type { WireRequest, WireService } from '../frontend/wire.ts';
import type { Database } from '../store/index.ts';
import { MultipartUploads } from './multipart.ts';
import type { ObjectStore } from './object-store.ts';
import { copyObject, copyPart } from './s3-copy.ts';
import { sendObject } from './s3-download.ts';
import { s3Error } from './s3-errors.ts';
import { listV1, listV2 } from './s3-list.ts';
import { completeUpload, createUpload, listParts, listUploads } from './s3-multipart.ts';
import { header, parseS3Request, type S3Request, storedHeaders } from './s3-request.ts';
import { uploadExpectation } from './s3-upload.ts';
import { asRecord, parseRequest, s3Document, s3ErrorDocument } from './s3-xml.ts';

export interface S3ServiceOptions {
  readonly store: ObjectStore;
  readonly database: Database;
  readonly now: () => number;
  readonly region: string;
  /** Twelve digits. */
  readonly accountId: string;
  /** Host names under which `bucket.<name>` addresses a bucket. */
  readonly domains: readonly string[];
}

const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;
const MAX_DELETED_KEYS = 1000;

/** Sub-resources that S3 has and this store has not: answered as missing features, never mistaken for object operations. */
const UNSUPPORTED = [
  ...['accelerate', 'acl', 'analytics', 'attributes', 'cors', 'encryption', 'intelligent-tiering', 'inventory'],
  ...['legal-hold', 'lifecycle', 'logging', 'metrics', 'notification', 'object-lock', 'ownershipControls', 'policy'],
  ...['policyStatus', 'publicAccessBlock', 'replication', 'requestPayment', 'restore', 'retention', 'select'],
  ...['tagging', 'torrent', 'versions', 'website', 'partNumber', 'versionId'],
];

const AUTH_CODES: Readonly<Record<AuthError['failure'], readonly [string, number]>> = {
  'missing-token': ['AccessDenied', 403],
  'incomplete-signature': ['AuthorizationHeaderMalformed', 400],
  'unknown-key': ['InvalidAccessKeyId', 403],
  'signature-mismatch': ['SignatureDoesNotMatch', 403],
  'payload-mismatch': ['XAmzContentSHA256Mismatch', 400],
  'clock-skew': ['RequestTimeTooSkewed', 403],
  expired: ['AccessDenied', 403],
  'headers-not-signed': ['AccessDenied', 403],
};

const AUTH_MESSAGES: Readonly<Partial<Record<AuthError['failure'], string>>> = {
  'missing-token': 'Access Denied',
  'unknown-key': 'The AWS Access Key Id you provided does not exist in our records.',
  'signature-mismatch':
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  'clock-skew': 'The difference between the request time and the current time is too large.',
};

function s3Failure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof AuthError) {
    const [code, httpStatus] = AUTH_CODES[error.failure];
    return new ServiceError(code, AUTH_MESSAGES[error.failure] ?? error.message, { httpStatus, cause: error });
  }
  if (error instanceof ChunkFormatError) return s3Error('InvalidRequest', error.message);
  return new ServiceError('InternalError', 'We encountered an internal error. Please try again.', {
    httpStatus: 500,
    cause: error,
  });
}

/** The part of Amazon S3's REST API that clients use to bring model archives and to fetch results. */
export class S3Service implements WireService {
  readonly #options: S3ServiceOptions;
  readonly #store: ObjectStore;
  readonly #uploads: MultipartUploads;

  constructor(options: S3ServiceOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#uploads = new MultipartUploads(options.database, options.store, options.now);
  }

  async handle(wire: WireRequest, response: ServerResponse): Promise<void> {
    response.setHeader('x-amz-request-id', wire.id);
    response.setHeader('x-amz-id-2', Buffer.from(wire.id).toString('base64'));
    const request = parseS3Request(wire, this.#options.domains);
    const owner = header(request.headers, 'x-amz-expected-bucket-owner');
    if (owner !== undefined && owner !== this.#options.accountId) throw s3Error('AccessDenied');
    const ignored = request.query.has('uploadId') ? 'partNumber' : undefined;
    const unsupported = UNSUPPORTED.find((name) => name !== ignored && request.query.has(name));
    if (unsupported) throw s3Error('NotImplemented', undefined, { Header: unsupported });
    if (request.bucket === '') await this.#service(request, response);
    else if (request.key === '') await this.#bucket(request, response);
    else if (request.query.has('uploadId') || request.query.has('uploads')) await this.#multipart(request, response);
    else await this.#object(request, response);
  }

  fail(request: { id: string; rawPath: string; method: string }, response: ServerResponse, error: unknown): void {
    const failure = s3Failure(error);
    const body = s3ErrorDocument({
      Code: failure.code,
      Message: failure.message,
      ...(failure.fields as Record<string, string>),
      Resource: request.rawPath,
      RequestId: request.id,
      HostId: Buffer.from(request.id).toString('base64'),
    });
    response.statusCode = failure.httpStatus;
    if (request.method === 'HEAD') response.end();
    else sendXml(response, body);
  }

  get #owner(): { ID: string; DisplayName: string } {
    return { ID: this.#options.accountId, DisplayName: 'nereid' };
  }

  async #service(request: S3Request, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET') throw s3Error('MethodNotAllowed');
    const buckets = this.#store.buckets().map(({ name, createdMs }) => ({
      Name: name,
      CreationDate: new Date(createdMs).toISOString(),
    }));
    sendXml(response, s3Document('ListAllMyBucketsResult', { Buckets: { Bucket: buckets }, Owner: this.#owner }));
  }

  async #bucket(request: S3Request, response: ServerResponse): Promise<void> {
    const { method, bucket, query } = request;
    switch (method) {
      case 'PUT':
        if (query.has('versioning')) throw s3Error('NotImplemented');
        await request.wire.body.bytes(MAX_DOCUMENT_BYTES, () => s3Error('MalformedXML'));
        if (!this.#store.createBucket(bucket) && this.#options.region !== 'us-east-1') {
          throw s3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: bucket });
        }
        response.setHeader('location', `/${bucket}`);
        response.end();
        return;
      case 'HEAD':
        this.#store.assertBucket(bucket);
        response.setHeader('x-amz-bucket-region', this.#options.region);
        response.end();
        return;
      case 'DELETE':
        this.#store.deleteBucket(bucket);
        response.writeHead(204).end();
        return;
      case 'POST':
        if (!query.has('delete')) throw s3Error('NotImplemented');
        sendXml(response, await this.#deleteMany(request));
        return;
      case 'GET':
        this.#store.assertBucket(bucket);
        sendXml(response, this.#readBucket(request));
        return;
      default:
        throw s3Error('MethodNotAllowed');
    }
  }

  #readBucket(request: S3Request): string {
    const { query } = request;
    const { region } = this.#options;
    if (query.has('location')) {
      return s3Document('LocationConstraint', region === 'us-east-1' ? '' : region);
    }
    if (query.has('versioning')) return s3Document('VersioningConfiguration', {});
    if (query.has('uploads')) return listUploads(this.#uploads, request);
    const database = this.#options.database;
    return query.get('list-type') === '2'
      ? listV2(database, request, this.#owner)
      : listV1(database, request, this.#owner);
  }

  async #deleteMany(request: S3Request): Promise<string> {
    const bytes = await request.wire.body.bytes(MAX_DOCUMENT_BYTES, () => s3Error('MalformedXML'));
    const document = parseRequest(bytes.toString('utf8'), 'Delete');
    const objects = document['Object'];
    if (!Array.isArray(objects) || objects.length > MAX_DELETED_KEYS) throw s3Error('MalformedXML');
    const keys = objects.map((object) => {
      const key = asRecord(object)['Key'];
      if (typeof key !== 'string' || key === '') throw s3Error('MalformedXML');
      return key;
    });
    for (const key of keys) this.#store.delete(request.bucket, key);
    const quiet = document['Quiet'] === 'true';
    return s3Document('DeleteResult', { Deleted: quiet ? [] : keys.map((key) => ({ Key: key })) });
  }

  async #multipart(request: S3Request, response: ServerResponse): Promise<void> {
    const { method, query } = request;
    const uploadId = query.get('uploadId') ?? '';
    if (query.has('uploads')) {
      if (method !== 'POST') throw s3Error('MethodNotAllowed');
      const created = createUpload(this.#uploads, request, storedHeaders(request.headers));
      for (const [name, value] of Object.entries(created.headers)) response.setHeader(name, value);
      sendXml(response, created.body);
      return;
    }
    switch (method) {
      case 'PUT':
        await this.#putPart(request, response, uploadId);
        return;
      case 'POST':
        sendXml(response, await completeUpload(this.#uploads, request, uploadId));
        return;
      case 'DELETE':
        await this.#uploads.abort(this.#uploads.get(request.bucket, request.key, uploadId));
        response.writeHead(204).end();
        return;
      case 'GET':
        sendXml(response, listParts(this.#uploads, request, uploadId, this.#owner));
        return;
      default:
        throw s3Error('MethodNotAllowed');
    }
  }

  async #putPart(request: S3Request, response: ServerResponse, uploadId: string): Promise<void> {
    if (header(request.headers, 'x-amz-copy-source') !== undefined) {
      sendXml(response, await copyPart(this.#store, this.#uploads, request, uploadId));
      return;
    }
    const upload = this.#uploads.get(request.bucket, request.key, uploadId);
    const { algorithms, verify } = uploadExpectation(request);
    const number = Number(request.query.get('partNumber'));
    const part = await this.#uploads.putPart(upload, number, request.wire.body.stream(), algorithms, verify);
    for (const [name, value] of Object.entries(part.checksums)) response.setHeader(`x-amz-checksum-${name}`, value);
    response.setHeader('etag', `"${part.etag}"`);
    response.end();
  }

  async #object(request: S3Request, response: ServerResponse): Promise<void> {
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        await sendObject(this.#store, request, response);
        return;
      case 'PUT':
        await this.#putObject(request, response);
        return;
      case 'DELETE':
        this.#store.delete(request.bucket, request.key);
        response.writeHead(204).end();
        return;
      default:
        throw s3Error('MethodNotAllowed');
    }
  }

  async #putObject(request: S3Request, response: ServerResponse): Promise<void> {
    const { bucket, key } = request;
    this.#store.assertBucket(bucket);
    if (header(request.headers, 'x-amz-copy-source') !== undefined) {
      sendXml(response, await copyObject(this.#store, request));
      return;
    }
    const assertNew = (): void => {
      const unwanted = header(request.headers, 'if-none-match') === '*' && this.#store.find(bucket, key) !== undefined;
      if (unwanted) throw s3Error('PreconditionFailed', undefined, { Condition: 'If-None-Match' });
    };
    assertNew();
    const { algorithms, verify } = uploadExpectation(request);
    const headers = storedHeaders(request.headers);
    const object = await this.#store.put(bucket, key, request.wire.body.stream(), {
      headers,
      algorithms,
      verify: (blob) => {
        verify(blob);
        assertNew();
      },
    });
    for (const [name, value] of Object.entries(object.checksums)) {
      response.setHeader(`x-amz-checksum-${name}`, value);
      response.setHeader('x-amz-checksum-type', 'FULL_OBJECT');
    }
    response.setHeader('etag', `"${object.etag}"`);
    response.end();
  }
}

function sendXml(response: ServerResponse, body: string): void {
  response.setHeader('content-type', 'application/xml');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
