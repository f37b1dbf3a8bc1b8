import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { createConnection } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { ACCESS_KEY, SECRET_KEY, startTestHost } from '../test-support/test-host.ts';

const Bucket = 'my-bucket';
const MIB = 1024 * 1024;

async function text(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return (await Body?.transformToString()) ?? '';
}

test('buckets: create, list, refuse bad names, delete only when empty', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  assert.deepEqual(
    Buckets?.map((bucket) => bucket.Name),
    [Bucket],
  );
  for (const name of ['UPPER', 'a..b', '10.0.0.1', 'x'.repeat(64)]) {
    await assert.rejects(s3.send(new CreateBucketCommand({ Bucket: name })), { name: 'InvalidBucketName' });
  }
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'v' }));
  await assert.rejects(s3.send(new DeleteBucketCommand({ Bucket })), { name: 'BucketNotEmpty' });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'v' })), { name: 'NoSuchBucket' });
});

test('objects keep bytes, headers, metadata and checksums; any key is a key', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const keys = [
    'plain.txt',
    'with space/+&%=?#.txt',
    'ä/漢字',
    'a/../b',
    '..',
    './x',
    'trailing/',
    'quote\'"<>&',
    '~!*()',
  ];
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }));
  for (const Key of keys) assert.equal(await text(s3, Key), `body of ${Key}`);
  const listed = await s3.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    listed.Contents?.map((object) => object.Key),
    [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );

  const put = await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: 'meta',
      Body: 'x',
      ContentType: 'text/plain',
      Metadata: { who: 'me' },
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'meta', ChecksumMode: 'ENABLED' }));
  assert.equal(head.ContentType, 'text/plain');
  assert.deepEqual(head.Metadata, { who: 'me' });
  assert.equal(head.ETag, put.ETag);
  assert.equal(head.ChecksumSHA256, 'LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=');
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1'] as const) {
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: ChecksumAlgorithm,
        Body: Readable.from(['some', ' ', 'bytes']),
        ContentLength: 10,
        ChecksumAlgorithm,
      }),
    );
    assert.equal(await text(s3, ChecksumAlgorithm), 'some bytes');
  }
});

test('a body that is not what its checksum says is refused and leaves nothing', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await assert.rejects(
    s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'k',
        Body: 'x',
        ChecksumSHA256: 'AAAAQrcmsEQBYnyp++6wy9chTD7GQPMTbAiWHF5IaSI=',
      }),
    ),
    { name: 'BadDigest' },
  );
  await assert.rejects(
    s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ContentMD5: 'rL0Y20zC+Fzt72VPzMSk2A==' })),
    { name: 'BadDigest' },
  );
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })), { name: 'NotFound' });
});

test('ranges and conditions', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '0123456789' }));
  const part = async (Range: string): Promise<string | undefined> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range }));
    return Body?.transformToString();
  };
  assert.deepEqual(await Promise.all([part('bytes=2-4'), part('bytes=7-'), part('bytes=-3'), part('bytes=5-99')]), [
    '234',
    '789',
    '789',
    '56789',
  ]);
  await assert.rejects(part('bytes=10-'), { name: 'InvalidRange' });
  await assert.rejects(
    s3.send(new GetObjectCommand({ Bucket, Key: 'k', IfNoneMatch: ETag })),
    (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode === 304,
  );
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'k', IfMatch: '"x"' })), {
    name: 'PreconditionFailed',
  });
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', IfNoneMatch: '*' })), {
    name: 'PreconditionFailed',
  });
});

test('listing by prefix and delimiter, page by page, both versions', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const keys = ['a', 'b/1', 'b/2', 'b/c/3', 'd', 'e/1', 'f\u{10ffff}/x', 'z'];
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: '' }));
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 2, ContinuationToken: token }),
    );
    names.push(
      ...(page.Contents ?? []).map((object) => object.Key ?? ''),
      ...(page.CommonPrefixes ?? []).map((prefix) => prefix.Prefix ?? ''),
    );
    token = page.NextContinuationToken;
    assert.equal(page.IsTruncated, token !== undefined);
  } while (token !== undefined);
  assert.deepEqual(names.sort(), ['a', 'b/', 'd', 'e/', 'f\u{10ffff}/', 'z']);
  const inner = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'b/', Delimiter: '/' }));
  assert.deepEqual(
    inner.Contents?.map((object) => object.Key),
    ['b/1', 'b/2'],
  );
  assert.deepEqual(
    inner.CommonPrefixes?.map((prefix) => prefix.Prefix),
    ['b/c/'],
  );
  const after = await s3.send(new ListObjectsV2Command({ Bucket, StartAfter: 'd', MaxKeys: 1 }));
  assert.deepEqual(
    after.Contents?.map((object) => object.Key),
    ['e/1'],
  );
});

test('multipart uploads: by the SDK, by hand, out of order, aborted, copied', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const bytes = randomBytes(12 * MIB);
  await new Upload({
    client: s3,
    params: { Bucket, Key: 'big', Body: Readable.from([bytes.subarray(0, 7 * MIB), bytes.subarray(7 * MIB)]) },
  }).done();
  const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket, Key: 'big' }));
  assert.match(ETag ?? '', /^"[0-9a-f]{32}-3"$/);
  assert.deepEqual(Buffer.from((await Body?.transformToByteArray()) ?? []), bytes);

  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key: 'hand', ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }),
  );
  const second = await s3.send(new UploadPartCommand({ Bucket, Key: 'hand', UploadId, PartNumber: 7, Body: 'end' }));
  const first = await s3.send(
    new UploadPartCopyCommand({
      Bucket,
      Key: 'hand',
      UploadId,
      PartNumber: 2,
      CopySource: `${Bucket}/big`,
      CopySourceRange: `bytes=0-${6 * MIB - 1}`,
    }),
  );
  const parts = await s3.send(new ListPartsCommand({ Bucket, Key: 'hand', UploadId }));
  assert.deepEqual(
    parts.Parts?.map((part) => part.PartNumber),
    [2, 7],
  );
  const named = [
    { PartNumber: 2, ETag: first.CopyPartResult?.ETag },
    { PartNumber: 7, ETag: second.ETag },
  ];
  const complete = (Parts: typeof named): Promise<unknown> =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'hand', UploadId, MultipartUpload: { Parts } }));
  await assert.rejects(complete([...named].reverse()), { name: 'InvalidPartOrder' });
  await assert.rejects(complete([{ PartNumber: 2, ETag: '"0"' }]), { name: 'InvalidPart' });
  await complete(named);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'hand', ChecksumMode: 'ENABLED' }));
  assert.equal(head.ContentLength, 6 * MIB + 3);
  assert.equal(head.ChecksumType, 'FULL_OBJECT');
  await assert.rejects(complete(named), { name: 'NoSuchUpload' });

  const aborted = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'gone' }));
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'gone', UploadId: aborted.UploadId }));
  await assert.rejects(
    s3.send(new UploadPartCommand({ Bucket, Key: 'gone', UploadId: aborted.UploadId, PartNumber: 1, Body: 'x' })),
    { name: 'NoSuchUpload' },
  );
});

test('copies do not follow their source', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'from/ä', Body: 'one', Metadata: { a: '1' } }));
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/${encodeURIComponent('from/ä')}` }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'from/ä', Body: 'two' }));
  assert.equal(await text(s3, 'to'), 'one');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'from/ä' }));
  assert.equal(await text(s3, 'to'), 'one');
  await assert.rejects(s3.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/none` })), {
    name: 'NoSuchKey',
  });
});

test('many keys are deleted at once; a reader of a deleted object reads on', async (t) => {
  const { s3 } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const bytes = randomBytes(8 * MIB);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: bytes }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }));
  const { Deleted } = await s3.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'k' }, { Key: 'no <&> key' }] } }),
  );
  assert.deepEqual(
    Deleted?.map((object) => object.Key),
    ['k', 'no <&> key'],
  );
  assert.deepEqual(Buffer.from((await Body?.transformToByteArray()) ?? []), bytes);
});

test('presigned URLs, virtual-host style, features that are not there', async (t) => {
  const { s3, running } = await startTestHost(t);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a b' }), { expiresIn: 60 });
  assert.equal((await fetch(put, { method: 'PUT', body: 'presigned' })).status, 200);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a b', ResponseContentType: 'text/x' }), {
    expiresIn: 60,
  });
  const answer = await fetch(get);
  assert.equal(await answer.text(), 'presigned');
  assert.equal(answer.headers.get('content-type'), 'text/x');
  assert.equal((await fetch(get.replace('a%20b', 'other'))).status, 403);
  await assert.rejects(s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'a b' })), { name: 'NotImplemented' });

  // Names below localhost mean this machine; not every resolver knows that.
  const httpAgent = new Agent({
    lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  const virtual = new S3Client({
    endpoint: `http://localhost:${running.port}`,
    region: 'us-east-1',
    credentials,
    requestHandler: { httpAgent },
  });
  t.after(() => virtual.destroy());
  assert.equal(await text(virtual, 'a b'), 'presigned');
  const listed = await virtual.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    listed.Contents?.map((object) => object.Key),
    ['a b'],
  );
});

test('Expect: 100-continue is answered only for requests that are let in', async (t) => {
  const { running } = await startTestHost(t);
  const answer = await new Promise<string>((resolve) => {
    const socket = createConnection(running.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('close', () => resolve(received));
    socket.write(
      'PUT /my-bucket/key HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n',
    );
  });
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden/);
  assert.doesNotMatch(answer, /100 Continue/);
});
