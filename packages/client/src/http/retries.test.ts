import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientOptions, InferRequest } from '../api/index.ts';
import { InferenceServerError } from '../errors/index.ts';
import { nodeTransport } from '../node/index.ts';
import { startCannedServer } from '../test-support/canned-server.ts';
import { failureOf } from '../test-support/failure.ts';
import { HttpClient } from './client.ts';
import { fetchTransport } from './fetch-transport.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from './transport.ts';

const REQUEST: InferRequest = { inputs: [] };
const RESULT = '{"model_name":"m","outputs":[]}';

/** A transport that gives these answers one after another, the last one again and again: a status and body, or an error. */
function scripted(...script: readonly (readonly [number, string] | InferenceServerError)[]) {
  const requests: HttpRequest[] = [];
  const transport: HttpTransport = {
    async send(request): Promise<HttpResponse> {
      const step = script[Math.min(requests.length, script.length - 1)]!;
      requests.push(request);
      if (step instanceof InferenceServerError) throw step;
      const body = new TextEncoder().encode(step[1]);
      return { status: step[0], headers: new Headers(), body: once(body), cancel() {} };
    },
  };
  const client = (options: Partial<ClientOptions> = {}) =>
    new HttpClient({ url: 'http://server:8000', transport, retry: { initialBackoffMs: 1 }, ...options });
  return { requests, client };
}

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

const refused = new InferenceServerError('CONNECTION_FAILED', 'refused', { notSent: true });
const broken = new InferenceServerError('CONNECTION_FAILED', 'broken');

describe('what is sent again', () => {
  test('anything that never left', async () => {
    const { requests, client } = scripted(refused, refused, [200, RESULT]);
    assert.equal((await client().infer('m', REQUEST)).modelName, 'm');
    assert.equal(requests.length, 3);
  });

  test('an inference that may have run is not, unless the caller says it may', async () => {
    for (const step of [broken, [503, '{"error":"busy"}'] as const]) {
      const once = scripted(step, [200, RESULT]);
      await failureOf(once.client().infer('m', REQUEST));
      assert.equal(once.requests.length, 1);
      const twice = scripted(step, [200, RESULT]);
      await twice.client().infer('m', REQUEST, { idempotent: true });
      assert.equal(twice.requests.length, 2);
    }
  });

  test('questions are, changes are not', async () => {
    const questions: ((client: HttpClient) => Promise<unknown>)[] = [
      (client) => client.serverMetadata(),
      (client) => client.modelMetadata('m'),
      (client) => client.isServerLive(),
      (client) => client.logSettings(),
    ];
    for (const ask of questions) {
      const { requests, client } = scripted(broken, [200, '{}']);
      await ask(client());
      assert.equal(requests.length, 2);
    }
    const changes: ((client: HttpClient) => Promise<unknown>)[] = [
      (client) => client.loadModel('m'),
      (client) => client.unloadModel('m'),
      (client) => client.updateLogSettings({}),
      (client) => client.updateTraceSettings({}),
      (client) => client.registerSystemSharedMemory({ name: 'r', key: '/k', byteSize: 1 }),
      (client) => client.generate('m', {}),
      (client) => client.inferRaw('m', new Uint8Array(1)),
    ];
    for (const change of changes) {
      const { requests, client } = scripted(broken, [200, '{}']);
      assert.equal((await failureOf(change(client()))).message, 'broken');
      assert.equal(requests.length, 1);
    }
  });

  test("the server's refusals are not", async () => {
    for (const status of [400, 401, 403, 404, 429, 500, 501]) {
      const { requests, client } = scripted([status, '{"error":"no"}']);
      await failureOf(client().serverMetadata());
      assert.equal(requests.length, 1, String(status));
    }
  });

  test('a server that is not ready says so at once', async () => {
    const { requests, client } = scripted([503, '{"error":"exiting"}']);
    assert.equal(await client().isServerReady(), false);
    assert.equal(await client().isModelReady('m'), false);
    assert.equal(requests.length, 2);
  });
});

describe('how often and how long', () => {
  test('attempts are counted; 1 is no retry', async () => {
    for (const maxAttempts of [1, 2, 5]) {
      const { requests, client } = scripted(refused);
      const retry = { maxAttempts, initialBackoffMs: 1, maxBackoffMs: 2 };
      assert.equal((await failureOf(client({ retry }).serverMetadata())).message, 'refused');
      assert.equal(requests.length, maxAttempts);
    }
  });

  test('the deadline holds for all attempts together, and ends a wait', async () => {
    const { requests, client } = scripted(refused);
    const retry = { initialBackoffMs: 60_000, maxBackoffMs: 60_000 };
    const error = await failureOf(client({ retry, deadlineMs: 20 }).serverMetadata());
    assert.deepEqual([error.code, error.message], ['DEADLINE_EXCEEDED', 'the call did not finish within 20 ms']);
    assert.equal(requests.length, 1);
  });

  test('an abort ends a wait', async () => {
    const { client } = scripted(refused);
    const controller = new AbortController();
    const call = failureOf(
      client({ retry: { initialBackoffMs: 60_000 } }).serverMetadata({ signal: controller.signal }),
    );
    setTimeout(() => controller.abort('enough'), 5);
    const error = await call;
    assert.deepEqual([error.code, error.cause], ['CANCELLED', 'enough']);
  });

  test('a closed port is known to be one', async () => {
    const { url, close } = await startCannedServer(() => assert.fail('nothing is there'));
    await close();
    for (const transport of [fetchTransport(), nodeTransport()]) {
      const client = new HttpClient({ url, transport, retry: { maxAttempts: 2, initialBackoffMs: 1 } });
      const error = await failureOf(client.infer('m', REQUEST));
      assert.deepEqual([error.code, error.notSent, error.status], ['CONNECTION_FAILED', true, undefined]);
      assert.ok(error.message.startsWith(`no connection to ${url}: connect ECONNREFUSED`), error.message);
    }
  });
});

describe('headers', () => {
  test('of the client, the token, the call; a token is asked for each time', async () => {
    const { requests, client } = scripted(refused, [200, '{}']);
    let count = 0;
    const options = { headers: { 'X-Team': 'a', 'x-other': 'b' }, bearerToken: async () => `token${++count}` };
    await client(options).serverMetadata({ headers: { 'x-team': 'c' } });
    assert.deepEqual(
      requests.map(({ headers }) => headers),
      [1, 2].map((number) => ({ 'x-team': 'c', 'x-other': 'b', authorization: `Bearer token${number}` })),
    );
  });

  test('with characters that would break out are refused', async () => {
    const { requests, client } = scripted([200, '{}']);
    for (const headers of [{ 'x-a': 'b\r\nevil: 1' }, { 'x a': 'b' }, { '': 'b' }, { 'x-a': '\0' }]) {
      const error = await failureOf(client().serverMetadata({ headers }));
      assert.equal(error.code, 'INVALID_ARG');
    }
    assert.equal((await failureOf(client({ bearerToken: 'a\nb' }).serverMetadata())).code, 'INVALID_ARG');
    assert.equal(requests.length, 0);
  });
});

describe('addresses', () => {
  test('a path in front of /v2 stays', async () => {
    const { requests, client } = scripted([200, '{}']);
    await client({ url: 'https://gateway/models/' }).modelMetadata({ name: 'a b/c', version: 3 });
    assert.equal(requests[0]!.url, 'https://gateway/models/v2/models/a%20b%2Fc/versions/3');
  });

  test('what is no HTTP URL is refused', () => {
    for (const url of ['localhost:8000', '', 'ftp://host', 'http://user:secret@host', 'http://host/?a=b']) {
      assert.throws(() => new HttpClient({ url }), { code: 'INVALID_ARG' }, url);
    }
  });
});

test('fetch can be replaced', async () => {
  const seen: string[] = [];
  const transport = fetchTransport(async (url, init) => {
    seen.push(`${init.method} ${url} ${new TextDecoder().decode(init.body as Uint8Array)}`);
    return new Response('[]');
  });
  assert.deepEqual(await new HttpClient({ url: 'http://any', transport }).repositoryIndex({ ready: true }), []);
  assert.deepEqual(seen, ['POST http://any/v2/repository/index {"ready":true}']);
});
