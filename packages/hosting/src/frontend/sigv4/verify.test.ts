import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { AuthError } from './auth-error.ts';
import { AwsChunkedDecoder, ChunkFormatError } from './aws-chunked.ts';
import type { SignableRequest } from './canonical-request.ts';
import { RequestSigner } from './sign.ts';
import { uriEncode, uriEncodePath } from './uri-encoding.ts';
import { SignatureVerifier, type VerifiedRequest } from './verify.ts';

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const NOW = Date.UTC(2013, 4, 24, 0, 0, 0);

function verifier(nowMs = NOW): SignatureVerifier {
  return new SignatureVerifier({
    secretOf: (id) => (id === CREDENTIALS.accessKeyId ? CREDENTIALS.secretAccessKey : undefined),
    now: () => nowMs,
    bucketOfHost: () => undefined,
  });
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** What the gate does with a body that has been read. */
function finish(verified: VerifiedRequest, body: string): void {
  const { payload } = verified;
  if (payload.kind === 'deferred') payload.finish(sha256(body));
  else if (payload.kind === 'sha256') assert.equal(payload.hex, sha256(body));
}

interface Sample {
  readonly service: string;
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly announces: boolean;
}

async function signedBySmithy(sample: Sample, presign = false): Promise<SignableRequest> {
  const path = `/${sample.segments.map(uriEncode).join('/')}`;
  const signer = new SignatureV4({
    credentials: CREDENTIALS,
    region: 'us-east-1',
    service: sample.service,
    sha256: Sha256,
    uriEscapePath: sample.service !== 's3',
    applyChecksum: sample.announces,
  });
  const request = new HttpRequest({
    method: sample.method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    path,
    query: { ...sample.query },
    headers: {
      host: '127.0.0.1:9000',
      ...sample.headers,
      // As the S3 presigner of the SDK does.
      ...(presign && { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    },
    ...(sample.body !== '' && { body: sample.body }),
  });
  const options = { signingDate: new Date(NOW) };
  const signed = presign
    ? await signer.presign(request, { ...options, expiresIn: 600 })
    : await signer.sign(request, options);
  const rawQuery = Object.entries(signed.query as Record<string, string>)
    .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
    .join('&');
  return { method: signed.method, rawPath: signed.path, rawQuery, rawHeaders: Object.entries(signed.headers).flat() };
}

const visible = fc.string({ unit: fc.constantFrom(..."abcXYZ019-._~!*'()+/=& %äß漢😀"), maxLength: 12 });
const segment = visible.filter((text) => text !== '' && text !== '.' && text !== '..');
const headerValue = fc
  .string({ unit: fc.constantFrom(...'abc XYZ09;=/+,"'), minLength: 1, maxLength: 20 })
  .map((text) => text.trim());

const samples = fc.record<Sample>({
  service: fc.constantFrom('s3', 'sagemaker'),
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
  segments: fc.array(segment, { minLength: 1, maxLength: 4 }),
  query: fc.dictionary(
    segment.filter((name) => !name.startsWith('X-Amz')),
    visible,
    { maxKeys: 4 },
  ),
  headers: fc.dictionary(
    fc.constantFrom('content-type', 'x-amz-meta-a', 'x-amz-target', 'x-amzn-sagemaker-custom-attributes', 'range'),
    headerValue.filter((value) => value !== ''),
  ),
  body: fc.string({ maxLength: 40 }),
  announces: fc.boolean(),
});

test("whatever AWS's own signer signs is let in, by header and presigned", async () => {
  await fc.assert(
    fc.asyncProperty(samples, async (sample) => {
      finish(verifier().verify(await signedBySmithy(sample)), sample.body);
      // A presigned S3 URL does not cover the body; other services' cover the one that was there when it was signed.
      const presigned = await signedBySmithy({ ...sample, service: 's3', body: '' }, true);
      assert.equal(verifier().verify(presigned).payload.kind, 'unsigned');
    }),
    { numRuns: 150 },
  );
});

test('a signed request with anything changed is refused', async () => {
  const changes = fc.constantFrom<(request: SignableRequest) => SignableRequest>(
    (request) => ({ ...request, method: request.method === 'GET' ? 'HEAD' : 'GET' }),
    (request) => ({ ...request, rawPath: `${request.rawPath}x` }),
    (request) => ({ ...request, rawQuery: request.rawQuery === '' ? 'acl=' : `${request.rawQuery}1` }),
    (request) => ({
      ...request,
      rawHeaders: request.rawHeaders.map((part) => (part === '127.0.0.1:9000' ? '10.0.0.1' : part)),
    }),
    (request) => ({ ...request, rawHeaders: [...request.rawHeaders, 'x-amz-acl', 'public-read'] }),
    (request) => ({
      ...request,
      rawHeaders: request.rawHeaders.map((part) => part.replace('AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1')),
    }),
    (request) => ({
      ...request,
      rawHeaders: request.rawHeaders.map((part) => part.replace(/Signature=./, 'Signature=x')),
    }),
    (request) => ({ ...request, rawHeaders: request.rawHeaders.map((part) => part.replace('us-east-1', 'us-east-2')) }),
    (request) => ({
      ...request,
      rawHeaders: request.rawHeaders.map((part) => part.replace('Credential=AKIA', 'Credential=BKIA')),
    }),
  );
  await fc.assert(
    fc.asyncProperty(samples, changes, async (sample, change) => {
      const signed = change(await signedBySmithy(sample));
      assert.throws(() => finish(verifier().verify(signed), sample.body), AuthError);
    }),
    { numRuns: 150 },
  );
});

test('the body is part of the signature, announced or not', async () => {
  for (const announces of [true, false]) {
    const sample: Sample = {
      service: 'sagemaker',
      method: 'POST',
      segments: ['endpoints', 'a', 'invocations'],
      query: {},
      headers: {},
      body: 'right',
      announces,
    };
    const signed = await signedBySmithy(sample);
    assert.throws(() => finish(verifier().verify(signed), 'wrong'));
  }
});

test('a signature of the past, of the future and after its expiry is refused', async () => {
  const sample: Sample = {
    service: 'sagemaker',
    method: 'POST',
    segments: ['a'],
    query: {},
    headers: {},
    body: '',
    announces: true,
  };
  const signed = await signedBySmithy(sample);
  assert.throws(() => verifier(NOW + 301_000).verify(signed), {
    failure: 'clock-skew',
    message: /^Signature expired: 20130524T000000Z is now earlier than 20130524T000001Z/,
  });
  assert.throws(() => verifier(NOW - 301_000).verify(signed), {
    failure: 'clock-skew',
    message: /^Signature not yet current/,
  });
  verifier(NOW + 299_000).verify(signed);
  const presigned = await signedBySmithy({ ...sample, service: 's3' }, true);
  verifier(NOW + 599_000).verify(presigned);
  assert.throws(() => verifier(NOW + 601_000).verify(presigned), { failure: 'expired' });
});

test('the example of the Amazon S3 API reference (GET object with a range)', () => {
  const request: SignableRequest = {
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery: '',
    rawHeaders: [
      ...['Host', 'examplebucket.s3.amazonaws.com', 'Range', 'bytes=0-9', 'x-amz-date', '20130524T000000Z'],
      ...['x-amz-content-sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      'Authorization',
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
  };
  assert.equal(verifier().verify(request).payload.kind, 'sha256');
});

test('no request makes the verifier fail with anything but AuthError', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('%', '%zz', '%00', '/../', '//', '?', '=', '&&'),
  );
  const authorization = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'AWS4-HMAC-SHA256 ',
            'Credential=',
            'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
            ',',
            'SignedHeaders=host',
            ';',
            'Signature=',
            '0'.repeat(64),
          ),
          fc.string(),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, text, authorization, text, (path, rawQuery, header, value) => {
      const rawHeaders = ['host', 'h', 'authorization', header, 'x-amz-date', '20130524T000000Z', 'x-odd', value];
      const request = { method: 'GET', rawPath: `/${path}`, rawQuery, rawHeaders };
      for (const candidate of [
        request,
        { ...request, rawHeaders: ['host', value], rawQuery: `X-Amz-Signature=${value}&${rawQuery}` },
      ]) {
        try {
          verifier().verify(candidate);
          assert.fail('an unsigned request was let in');
        } catch (error) {
          assert.ok(error instanceof AuthError, String(error));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("the host's own signer agrees with AWS's", async () => {
  const signer = new RequestSigner({ ...CREDENTIALS, region: 'us-east-1', service: 's3', now: () => NOW });
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 3 }), async (segments) => {
      const url = new URL('http://store.example:9000');
      url.pathname = `/bucket/${segments.map(uriEncodePath).join('/')}`;
      const headers = signer.sign({ method: 'GET', url, headers: {}, payloadSha256: sha256('') });
      verifier().verify({
        method: 'GET',
        rawPath: url.pathname,
        rawQuery: '',
        rawHeaders: Object.entries(headers).flat(),
      });
    }),
    { numRuns: 50 },
  );
});

const CHUNK_HEADERS = [
  ...['Host', 's3.amazonaws.com', 'x-amz-date', '20130524T000000Z', 'x-amz-storage-class', 'REDUCED_REDUNDANCY'],
  ...['Content-Encoding', 'aws-chunked', 'x-amz-decoded-content-length', '66560', 'Content-Length', '66824'],
  ...['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'Authorization'],
  'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
];
const CHUNKED_BODY = [
  '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
  `${'a'.repeat(65_536)}\r\n`,
  '400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
  `${'a'.repeat(1024)}\r\n`,
  '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
].join('');

async function unchunked(body: string, pieceBytes: number): Promise<string> {
  const { payload } = verifier().verify({
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    rawQuery: '',
    rawHeaders: CHUNK_HEADERS,
  });
  assert.ok(payload.kind === 'chunked' && payload.signing);
  const decoder = new AwsChunkedDecoder({ trailer: payload.trailer, signing: payload.signing });
  const bytes = Buffer.from(body, 'latin1');
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
  const out: Buffer[] = [];
  for await (const chunk of Readable.from(pieces).compose(decoder) as AsyncIterable<Buffer>) out.push(chunk);
  return Buffer.concat(out).toString('latin1');
}

test('signed chunks: the example of the Amazon S3 API reference, cut anywhere', async () => {
  for (const pieceBytes of [66_824, 7, 1000])
    assert.equal(await unchunked(CHUNKED_BODY, pieceBytes), 'a'.repeat(66_560));
});

test('signed chunks that lie are refused', async () => {
  await assert.rejects(unchunked(CHUNKED_BODY.replace('aaaa', 'aaab'), 4096), AuthError);
  await assert.rejects(unchunked(CHUNKED_BODY.replace(/;chunk-signature=[0-9a-f]+/, ''), 4096), AuthError);
  await assert.rejects(unchunked(CHUNKED_BODY.slice(0, 60_000), 4096), ChunkFormatError);
  await assert.rejects(unchunked(CHUNKED_BODY.replace('10000;', 'fffffffffffffff;'), 4096), ChunkFormatError);
  await assert.rejects(unchunked('0\r\n\r\n', 4096), AuthError);
});

test('unsigned chunks with a trailing checksum', async () => {
  const decoder = new AwsChunkedDecoder({ trailer: true });
  const body = '5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n';
  const out: Buffer[] = [];
  for await (const chunk of Readable.from([Buffer.from(body)]).compose(decoder) as AsyncIterable<Buffer>)
    out.push(chunk);
  assert.equal(Buffer.concat(out).toString(), 'hello world');
  assert.equal(decoder.trailers.get('x-amz-checksum-crc32'), 'DUoRhQ==');
});
