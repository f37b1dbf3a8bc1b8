import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { createHost, HostOptionError, type HostOptions, hostFlags, hostOptionsFrom } from '../index.ts';
import { deploy, invoke } from '../test-support/deploy.ts';
import {
  ACCESS_KEY,
  clients,
  SECRET_KEY,
  startTestHost,
  temporaryDirectory,
  testHostOptions,
} from '../test-support/test-host.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

function raw(port: number, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ port, method, path, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
    });
    call.on('error', reject);
    call.end();
  });
}

test('no route answers without a signature', async (t) => {
  const { running } = await startTestHost(t);
  const target = { 'x-amz-target': 'SageMaker.ListModels', 'content-type': 'application/x-amz-json-1.1' };
  const routes: readonly (readonly [string, string, Record<string, string>])[] = [
    ['POST', '/', target],
    ['POST', '/', {}],
    ['GET', '/', {}],
    ['GET', '/bucket', {}],
    ['GET', '/bucket/key?x=1', {}],
    ['PUT', '/bucket/key', {}],
    ['DELETE', '/bucket/key', {}],
    ['POST', '/bucket?delete', {}],
    ['POST', '/endpoints/e/invocations', {}],
    ['POST', '/endpoints/e/invocations-response-stream', {}],
    ['POST', '/endpoints/e/async-invocations', {}],
    ['GET', '/ping', {}],
    ['GET', '/metrics', {}],
    ['POST', '/', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['OPTIONS', '/bucket', { origin: 'http://x' }],
    ['GET', '//bucket/../key', {}],
    ['POST', '/', { ...target, authorization: 'Bearer x' }],
    [
      'POST',
      '/',
      {
        ...target,
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20200101/r/sagemaker/aws4_request, SignedHeaders=host, Signature=' +
          '0'.repeat(64),
        'x-amz-date': '20200101T000000Z',
      },
    ],
    ['GET', '/bucket?X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256', {}],
    ['GET', `/bucket/key?AWSAccessKeyId=${ACCESS_KEY}&Signature=x&Expires=99999999999`, {}],
  ];
  for (const [method, path, headers] of routes) {
    const answer = await raw(running.port, method, path, headers);
    assert.ok(
      answer.status === 403 || answer.status === 400,
      `${method} ${path} ${JSON.stringify(headers)}: ${answer.status}`,
    );
    assert.match(answer.body, /Token|Denied|Signature|Malformed|AccessKey|Credential|security token|algorithm/i);
    assert.match(String(answer.headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/);
  }
});

test('each service tells a wrong key in its own words', async (t) => {
  const { running } = await startTestHost(t);
  const wrongSecret = clients({ url: running.url, secretAccessKey: 'wrong' });
  const wrongId = clients({ url: running.url, accessKeyId: 'AKIANOBODY' });
  t.after(() => {
    for (const client of [...Object.values(wrongSecret), ...Object.values(wrongId)]) client.destroy();
  });
  await assert.rejects(wrongSecret.sagemaker.send(new ListModelsCommand({})), {
    name: 'InvalidSignatureException',
    $fault: 'client',
  });
  await assert.rejects(wrongId.sagemaker.send(new ListModelsCommand({})), { name: 'UnrecognizedClientException' });
  await assert.rejects(wrongSecret.s3.send(new ListBucketsCommand({})), { name: 'SignatureDoesNotMatch' });
  await assert.rejects(wrongId.s3.send(new ListBucketsCommand({})), { name: 'InvalidAccessKeyId' });
  await assert.rejects(invoke(wrongSecret, 'e', { Body: '{}' }), { name: 'InvalidSignatureException' });
});

test('STS tells who calls', async (t) => {
  const { running } = await startTestHost(t);
  const sts = new STSClient({
    endpoint: running.url,
    region: 'us-east-1',
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  });
  t.after(() => sts.destroy());
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, '123456789012');
});

function options(t: TestContext, more: HostOptions): HostOptions {
  const { accessKey: _a, secretKey: _s, ...rest } = testHostOptions(temporaryDirectory(t), []);
  return { ...rest, ...more };
}

test('without keys on loopback a pair is made once, kept for its owner only, and works', async (t) => {
  const kept = options(t, {});
  const first = createHost(kept);
  const { keptCredentials, clientEnvironment } = await first.start();
  await first.stop();
  assert.ok(keptCredentials?.isNew);
  assert.equal(statSync(keptCredentials.file).mode & 0o777, 0o600);
  assert.deepEqual(Object.keys(clientEnvironment), [
    'AWS_ENDPOINT_URL',
    'AWS_DEFAULT_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
  ]);
  const second = createHost(kept);
  t.after(() => second.stop());
  const again = await second.start();
  assert.deepEqual(again.keptCredentials?.credentials, keptCredentials.credentials);
  assert.equal(again.keptCredentials?.isNew, false);
  const { sagemaker } = clients({ url: again.url, ...keptCredentials.credentials });
  t.after(() => sagemaker.destroy());
  await sagemaker.send(new ListModelsCommand({}));
});

test('keys from the environment and from a file', async (t) => {
  const environment = { PATH: process.env['PATH'], AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 'env-secret' };
  const fromEnvironment = createHost(options(t, { environment }));
  t.after(() => fromEnvironment.stop());
  const { url } = await fromEnvironment.start();
  const envClients = clients({ url, accessKeyId: 'AKIAENV', secretAccessKey: 'env-secret' });
  await envClients.sagemaker.send(new ListModelsCommand({}));
  const endpoint = await deploy(envClients, 'e');
  assert.equal(endpoint.EndpointStatus, 'InService', endpoint.FailureReason);
  const report = await invoke(envClients, 'e');
  assert.equal(report.environment['AWS_SECRET_ACCESS_KEY'], undefined, 'instances do not see the keys');

  const keysFile = join(temporaryDirectory(t), 'keys');
  writeFileSync(
    keysFile,
    '# team\n[a]\naws_access_key_id = AKIAA\naws_secret_access_key = one\n[b]\naws_access_key_id=AKIAB\naws_secret_access_key=two\n',
  );
  const { running } = await startTestHost(t, { keysFile });
  for (const [accessKeyId, secretAccessKey] of [
    ['AKIAA', 'one'],
    ['AKIAB', 'two'],
    [ACCESS_KEY, SECRET_KEY],
  ] as const) {
    const { sagemaker } = clients({ url: running.url, accessKeyId, secretAccessKey });
    await sagemaker.send(new ListModelsCommand({}));
    sagemaker.destroy();
  }
  writeFileSync(keysFile, 'secret-that-must-not-be-shown');
  const broken = createHost(options(t, { keysFile }));
  await assert.rejects(
    broken.start(),
    (error: Error) => error.message.includes('line 1') && !error.message.includes('secret-that'),
  );
});

test('what would open the host to others is refused', async (t) => {
  for (const address of ['0.0.0.0', '192.168.1.5', '::', 'example.com']) {
    assert.throws(() => createHost({ auth: false, address }), HostOptionError);
    await assert.rejects(createHost(options(t, { address, port: 0 })).start(), HostOptionError);
  }
  assert.throws(() => createHost({ accessKey: 'a' }), HostOptionError);
  assert.throws(() => createHost({ s3Endpoint: 'file:///etc' }), HostOptionError);
  assert.throws(() => createHost({ accountId: '12' }), HostOptionError);
});

test('--no-auth serves local programs, not pages in a browser and not rebound names', async (t) => {
  const { running } = await startTestHost(t, { auth: false });
  assert.equal((await raw(running.port, 'GET', '/')).status, 200);
  assert.equal((await raw(running.port, 'GET', '/', { host: `localhost:${running.port}` })).status, 200);
  assert.equal((await raw(running.port, 'GET', '/', { host: 'evil.example' })).status, 403);
  assert.equal((await raw(running.port, 'GET', '/', { origin: 'http://evil.example' })).status, 403);
});

test('flags become options', () => {
  const names = hostFlags.map((flag) => flag.name);
  assert.equal(new Set(names).size, names.length);
  const parsed = hostOptionsFrom({
    port: '0',
    'data-dir': 'd',
    'no-auth': true,
    image: ["mine=python 'my serve.py' {port}"],
    'file-root': ['/a', '/b'],
    'invocation-timeout-secs': '5',
  });
  assert.deepEqual(parsed, {
    port: 0,
    dataDirectory: 'd',
    auth: false,
    fileRoots: ['/a', '/b'],
    images: { mine: ['python', 'my serve.py', '{port}'] },
    invocationTimeoutMs: 5000,
    unpackLimits: {},
  });
  assert.throws(() => hostOptionsFrom({ port: 'x' }), HostOptionError);
  assert.throws(() => hostOptionsFrom({ image: ['nothing'] }), HostOptionError);
});
