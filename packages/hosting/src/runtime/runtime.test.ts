import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CreateModelCommand, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker';
import {
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  ModelError,
} from '@aws-sdk/client-sagemaker-runtime';
import {
  BUCKET,
  createConfig,
  createEndpoint,
  createModel,
  deploy,
  invoke,
  type Report,
  variant,
} from '../test-support/deploy.ts';
import { IMAGE, settledEndpoint, startTestHost, type TestHost } from '../test-support/test-host.ts';

async function running(
  t: TestContext,
  name = 'e',
  options: Parameters<typeof startTestHost>[1] = {},
): Promise<TestHost> {
  const host = await startTestHost(t, options);
  const endpoint = await deploy(host, name);
  assert.equal(endpoint.EndpointStatus, 'InService', endpoint.FailureReason);
  return host;
}

test('all that the API knows goes to the container and back, nothing else does', async (t) => {
  const host = await running(t);
  const seen = await invoke(host, 'e', {
    ContentType: 'application/vnd.sagemaker-triton.binary+json;json-header-size=42',
    Accept: 'application/json',
    CustomAttributes: 'a=b; c=d',
    InferenceId: 'id-1',
    SessionId: 'NEW_SESSION',
    TargetVariant: 'AllTraffic',
  });
  const { host: _host, connection: _connection, ...headers } = seen.headers;
  assert.deepEqual(headers, {
    'content-type': 'application/vnd.sagemaker-triton.binary+json;json-header-size=42',
    accept: 'application/json',
    'x-amzn-sagemaker-custom-attributes': 'a=b; c=d',
    'x-amzn-sagemaker-inference-id': 'id-1',
    'x-amzn-sagemaker-session-id': 'NEW_SESSION',
    'content-length': '2',
  });
  assert.equal(seen.variantName, 'AllTraffic');
  assert.equal(seen.environment['SAGEMAKER_BIND_TO_ADDRESS'], '127.0.0.1');
  assert.equal(seen.environment['AWS_SECRET_ACCESS_KEY'], undefined);
});

test('bodies of any size go through unchanged: held, streamed, chunked', async (t) => {
  const host = await running(t);
  for (const bytes of [0, 1, 65_536, 1_048_576, 1_048_577, 5_000_000, 25 * 1024 * 1024]) {
    const Body = randomBytes(bytes);
    const { Body: back, ContentType } = await host.runtime.send(
      new InvokeEndpointCommand({ EndpointName: 'e', ContentType: 'application/x-echo', Body }),
    );
    assert.ok(Buffer.from(back ?? []).equals(Body), `${bytes} bytes`);
    assert.equal(ContentType, 'application/x-echo');
  }
  await assert.rejects(
    host.runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: Buffer.alloc(25 * 1024 * 1024 + 1) })),
    {
      name: 'ValidationError',
      message: /at 'body' failed to satisfy constraint: Member must have length less than or equal to 26214400/,
    },
  );
});

test("a container's error is a ModelError with its status and text", async (t) => {
  const host = await running(t);
  const fail = async (Body: string): Promise<ModelError> => {
    try {
      await host.runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body }));
    } catch (error) {
      assert.ok(error instanceof ModelError, String(error));
      return error;
    }
    throw new Error('no error came');
  };
  const client = await fail('status 400 {"error":"unexpected shape"}');
  assert.equal(client.OriginalStatusCode, 400);
  assert.equal(client.OriginalMessage, '{"error":"unexpected shape"}');
  assert.equal(client.LogStreamArn, 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/e');
  assert.equal(
    client.message,
    'Received client error (400) from primary with message "{"error":"unexpected shape"}". See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group=/aws/sagemaker/Endpoints/e in account 123456789012 for more information.',
  );
  assert.equal(client.$metadata.httpStatusCode, 424);
  assert.match(
    (await fail('status 507 out of memory')).message,
    /^Received server error \(507\) from primary with message "out of memory"/,
  );
  const crashed = await fail('crash');
  assert.match(
    crashed.message,
    /^Received server error \(0\) from primary and could not load the entire response body/,
  );
});

test('a container that does not answer in time is told so, and the next request is served', async (t) => {
  const host = await running(t, 'e', { invocationTimeoutMs: 300 });
  await assert.rejects(host.runtime.send(new InvokeEndpointCommand({ EndpointName: 'e', Body: 'hang' })), {
    name: 'ModelError',
    OriginalStatusCode: 0,
    message: /Your invocation timed out while waiting for a response from container primary/,
  });
  assert.equal((await invoke(host, 'e')).version, 'e');
});

test('requests that cannot be routed are refused with their reason', async (t) => {
  const host = await running(t);
  const refused = async (
    more: Partial<ConstructorParameters<typeof InvokeEndpointCommand>[0]>,
    message: RegExp,
  ): Promise<void> => {
    const command = new InvokeEndpointCommand({ EndpointName: 'e', Body: '{}', ...more });
    await assert.rejects(host.runtime.send(command), { name: 'ValidationError', message });
  };
  await refused({ EndpointName: 'none' }, /^Endpoint none of account 123456789012 not found\.$/);
  await refused({ TargetVariant: 'Other' }, /^Variant Other was not found/);
  await refused({ TargetModel: 'a.tar.gz' }, /not a multi-model endpoint/);
  await refused({ TargetContainerHostname: 'x' }, /does not invoke its containers directly/);
  await refused({ InferenceComponentName: 'x' }, /no inference components/);
  await refused(
    { InferenceId: 'x'.repeat(65) },
    /at 'inferenceId' failed to satisfy constraint: Member must have length less than or equal to 64/,
  );
  await refused({ CustomAttributes: 'x'.repeat(1025) }, /at 'customAttributes' failed/);
  await refused(
    { EndpointName: 'a_b' },
    /at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression pattern/,
  );
});

test('line breaks in headers never reach a container', async (t) => {
  const host = await running(t);
  const raw = (lines: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      const socket = createConnection(host.running.port, '127.0.0.1', () => socket.write(lines.join('\r\n')));
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString();
        socket.end();
      });
      socket.on('close', () => resolve(received));
    });
  const start = ['POST /endpoints/e/invocations HTTP/1.1', 'Host: 127.0.0.1', 'Content-Length: 2'];
  for (const header of [
    'X-Amzn-SageMaker-Custom-Attributes: a\nX-Evil: 1',
    'X-Amzn-SageMaker-Custom-Attributes: a\r X-Evil: 1',
    'Transfer-Encoding: chunked',
  ]) {
    assert.match(await raw([...start, header, '', '{}']), /^HTTP\/1\.1 40[03] /, JSON.stringify(header));
  }
});

test('variants share traffic by weight, TargetVariant overrides, weight 0 stays reachable', async (t) => {
  const host = await startTestHost(t);
  for (const model of ['one', 'two']) await createModel(host, model);
  await createConfig(host, 'ab', [
    variant('one', { VariantName: 'A', InitialVariantWeight: 1 }),
    variant('two', { VariantName: 'B', InitialVariantWeight: 0 }),
  ]);
  await createEndpoint(host, 'ab');
  const versions = async (count: number): Promise<Set<string | undefined>> =>
    new Set(
      (await Promise.all(Array.from({ length: count }, () => invoke(host, 'ab')))).map((report) => report.version),
    );
  assert.deepEqual(await versions(10), new Set(['one']));
  assert.equal((await invoke(host, 'ab', { TargetVariant: 'B' })).version, 'two');
  await host.sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: 'ab',
      DesiredWeightsAndCapacities: [{ VariantName: 'B', DesiredWeight: 1 }],
    }),
  );
  await settledEndpoint(host.sagemaker, 'ab');
  assert.deepEqual(await versions(60), new Set(['one', 'two']));
  await host.sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: 'ab',
      DesiredWeightsAndCapacities: ['A', 'B'].map((VariantName) => ({ VariantName, DesiredWeight: 0 })),
    }),
  );
  await settledEndpoint(host.sagemaker, 'ab');
  await assert.rejects(invoke(host, 'ab'), { name: 'ValidationError', message: /no variant with a weight above 0/ });
});

test('a crashed instance comes back; meanwhile the other one serves', async (t) => {
  const host = await startTestHost(t);
  await deploy(host, 'e', {
    InitialInstanceCount: 2,
    RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
  });
  const pids = async (): Promise<Set<number>> =>
    new Set((await Promise.all(Array.from({ length: 20 }, () => invoke(host, 'e')))).map((report) => report.pid));
  const [victim = 0, ...others] = await pids();
  assert.equal(others.length, 1);
  process.kill(victim, 'SIGKILL');
  const after = new Set<number>();
  while (after.size < 2) {
    const report = await invoke(host, 'e').catch((error: unknown) => {
      // What was on its way to the instance when it died cannot be sent again.
      assert.ok(error instanceof ModelError, String(error));
    });
    if (report && report.pid !== victim) after.add(report.pid);
  }
  assert.ok(after.has(others[0] ?? 0));
});

test('with no instance up, the answer is 503, which SDKs retry', async (t) => {
  const host = await running(t);
  const { pid } = await invoke(host, 'e');
  process.kill(pid, 'SIGKILL');
  const failures: string[] = [];
  let back: Report | undefined;
  while (!back) {
    back = await invoke(host, 'e').catch((error: Error) => {
      failures.push(error.name);
      return undefined;
    });
  }
  assert.ok(
    failures.every((name) => ['ServiceUnavailable', 'ModelError'].includes(name)),
    failures.join(),
  );
  assert.notEqual(back.pid, pid);
});

test('a serial pipeline passes the answer of each container to the next; a direct one takes the host name', async (t) => {
  const host = await startTestHost(t);
  await createModel(host, 'part');
  const container = (label: string): object => ({
    Image: IMAGE,
    ModelDataUrl: `s3://${BUCKET}/part.tar.gz`,
    Environment: { CONTAINER_LABEL: label },
  });
  await host.sagemaker.send(
    new CreateModelCommand({ ModelName: 'serial', Containers: [container('first'), container('second')] }),
  );
  await createConfig(host, 'serial', [variant('serial')]);
  await createEndpoint(host, 'serial');
  const last = await invoke(host, 'serial', { ContentType: 'text/csv', Body: '1,2' });
  assert.equal(last.container, 'second');
  assert.equal(
    last.headers['content-type'],
    'application/json',
    "the second container sees the first one's content type",
  );
  assert.ok(last.bytes > 3);
  await assert.rejects(invoke(host, 'serial', { Body: 'status 400 no' }), {
    name: 'ModelError',
    message: /from container-1 with message "no"/,
  });

  const named = ['x', 'y'].map((ContainerHostname) => ({ ...container(ContainerHostname), ContainerHostname }));
  await host.sagemaker.send(
    new CreateModelCommand({ ModelName: 'direct', Containers: named, InferenceExecutionConfig: { Mode: 'Direct' } }),
  );
  await createConfig(host, 'direct', [variant('direct')]);
  await createEndpoint(host, 'direct');
  assert.equal((await invoke(host, 'direct', { TargetContainerHostname: 'y' })).container, 'y');
  await assert.rejects(invoke(host, 'direct'), {
    name: 'ValidationError',
    message: /TargetContainerHostname header is required/,
  });
  await assert.rejects(invoke(host, 'direct', { TargetContainerHostname: 'z' }), {
    name: 'ValidationError',
    message: /Container z was not found/,
  });
});

test('a streamed answer arrives in parts; one that breaks ends in an exception', async (t) => {
  const host = await running(t);
  const stream = async (Body: string): Promise<string> => {
    const answer = await host.runtime.send(
      new InvokeEndpointWithResponseStreamCommand({ EndpointName: 'e', Body, CustomAttributes: 'x' }),
    );
    assert.equal(answer.ContentType, 'text/plain');
    assert.equal(answer.InvokedProductionVariant, 'AllTraffic');
    assert.equal(answer.CustomAttributes, 'seen x');
    let text = '';
    for await (const event of answer.Body ?? []) {
      if (event.ModelStreamError) throw event.ModelStreamError;
      text += Buffer.from(event.PayloadPart?.Bytes ?? []).toString();
    }
    return text;
  };
  assert.equal(await stream('stream Once upon a time'), 'Onceuponatime');
  await assert.rejects(stream('stream Once break'), { name: 'ModelStreamError', ErrorCode: 'StreamBroken' });
});

test('a client that goes away frees its instance', async (t) => {
  const host = await running(t, 'e', { auth: false });
  await new Promise<void>((resolve) => {
    const call = request({
      port: host.running.port,
      method: 'POST',
      path: '/endpoints/e/invocations',
      headers: { 'content-length': 4 },
    });
    call.on('error', () => resolve());
    call.end('hang', () => setImmediate(() => call.destroy(new Error('gone'))));
  });
  await host.host.stop();
});
