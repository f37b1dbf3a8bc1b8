import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { addSub, FakeServer, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { startSagemaker } from '../test-support/frontends.ts';
import { call } from '../test-support/http-client.ts';
import type { SagemakerFrontendOptions } from './server.ts';

const BINARY = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
const JSON_REQUEST = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    data: new Array(16).fill(1),
  })),
});

async function start(context: TestContext, options: Partial<SagemakerFrontendOptions> = {}) {
  const server = new FakeServer().add(SIMPLE, addSub).add(modelConfig('floats'));
  return { server, port: await startSagemaker(context, server, options) };
}

/** Directories as SageMaker unpacks archives: `<root>/<hash>/model/<name>/config.pbtxt`. */
function unpack(context: TestContext, models: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const root = mkdtempSync(join(tmpdir(), 'nereid-sagemaker-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [hash, directories] of Object.entries(models)) {
    for (const [name, config] of Object.entries(directories)) {
      const directory = join(root, hash, 'model', name);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'config.pbtxt'), config);
    }
  }
  return root;
}

test('ping answers by status alone, in the mode it was given', async (context) => {
  const { server, port } = await start(context);
  assert.deepEqual([(await call(port, '/ping')).status, (await call(port, '/ping')).text], [200, '']);
  server.ready = false;
  assert.equal((await call(port, '/ping')).status, 400);
  const live = await start(context, {
    settings: { pingMode: 'live', defaultModelName: 'simple', inferenceType: 'infer' },
  });
  live.server.ready = false;
  assert.equal((await call(live.port, '/ping')).status, 200);
  assert.equal((await call(port, '/ping', { method: 'POST' })).status, 405);
});

test('other paths are 400 without a body', async (context) => {
  const { port } = await start(context);
  for (const path of ['/', '/ping/', '/invocations/', '/v2/health/ready', '/models/a/b']) {
    const { status, text } = await call(port, path);
    assert.deepEqual([status, text], [400, ''], path);
  }
});

test('invocations run the default model, as JSON and binary', async (context) => {
  const { port } = await start(context);
  const json = await call(port, '/invocations', { body: JSON_REQUEST, headers: { 'Content-Type': 'text/plain' } });
  assert.equal(json.headers['content-type'], 'application/json');
  assert.match(json.text, /^\{"model_name":"simple"/);

  const head = JSON.stringify({
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({
      name,
      shape: [1, 16],
      datatype: 'INT32',
      parameters: { binary_data_size: 64 },
    })),
    outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
  });
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(128)]);
  const binary = await call(port, '/invocations', { body, headers: { 'Content-Type': BINARY + head.length } });
  const contentType = binary.headers['content-type'] ?? '';
  assert.ok(contentType.startsWith(BINARY));
  assert.equal(binary.body.length, Number(contentType.slice(BINARY.length)) + 64);
  const ignored = await call(port, '/invocations', {
    body,
    headers: { 'Inference-Header-Content-Length': String(head.length) },
  });
  assert.match(ignored.text, /unexpected size for input 'INPUT0'|failed to parse/);
  const wrong = await call(port, '/invocations', { body, headers: { 'Content-Type': `${BINARY}-1` } });
  assert.equal(wrong.text, `{"error":"inference header size should be in range (0, ${body.length}), got: -1"}`);
  const misplaced = await call(port, '/invocations', { body, headers: { 'Content-Type': `x ${BINARY}5` } });
  assert.match(misplaced.text, /expect MIME type for binary data starts with/);
});

test('invocations can be of the generate kind', async (context) => {
  const { port } = await start(context, {
    settings: { pingMode: 'ready', defaultModelName: 'floats', inferenceType: 'generate' },
  });
  const answer = await call(port, '/invocations', {
    body: '{"INPUT0":[1,2]}',
    headers: { 'Content-Encoding': 'gzip' },
  });
  assert.equal(answer.text, '{"OUTPUT0":[1.0,2.0],"model_name":"floats","model_version":"1"}');
});

test('models are loaded, listed, invoked and unloaded', async (context) => {
  const modelsRoot = unpack(context, {
    simple: { simple: SIMPLE },
    other: { a: 'name: "a"', ens: 'platform: "ensemble"', z: 'name: "z"' },
  });
  const { server, port } = await start(context, { modelsRoot });
  const load = (name: string, url: string, headers = {}) =>
    call(port, '/models', { body: JSON.stringify({ model_name: name, url }), headers });

  assert.equal((await call(port, '/models')).text, '{"models":[]}');
  assert.equal((await load('simple', `${modelsRoot}/simple/model`)).status, 200);
  assert.ok(server.calls.includes(`register ${modelsRoot}/simple/model simple,simple`));
  assert.equal(
    (await load('hash', `${modelsRoot}/other/model`, { 'X-Amzn-SageMaker-Target-Model': 'target' })).status,
    200,
  );
  assert.ok(server.calls.includes(`register ${modelsRoot}/other/model ens,target`), 'the ensemble is the model');

  const list = await call(port, '/models');
  assert.equal(list.headers['content-type'], 'text/plain');
  assert.equal(list.text, `{"models":[{},{"modelName":"simple","modelUrl":"${modelsRoot}/simple/model"}]}`);
  assert.equal((await call(port, '/models/hash')).text, `{"modelName":"hash","modelUrl":"${modelsRoot}/other/model"}`);
  assert.equal((await call(port, '/models/nosuch')).status, 404);

  assert.match((await call(port, '/models/simple/invoke', { body: JSON_REQUEST })).text, /"model_name":"simple"/);
  const bad = await call(port, '/models/simple/invoke', { body: '{' });
  assert.equal(bad.status, 400, 'every failure is 400 here');
  const unknown = await call(port, '/models/hash/invoke', { body: JSON_REQUEST });
  assert.deepEqual(
    [unknown.status, unknown.text],
    [400, '{"error":"Request for unknown model: \'hash\' is not found"}'],
  );
  assert.equal((await call(port, '/models/nosuch/invoke', { body: '{}' })).status, 404);

  assert.equal((await call(port, '/models/simple', { method: 'DELETE' })).status, 200);
  assert.deepEqual(server.calls.slice(-2), ['unload simple with dependents', `unregister ${modelsRoot}/simple/model`]);
  assert.equal((await call(port, '/models/simple', { method: 'DELETE' })).status, 404);
});

test('loads that fail say why and leave nothing registered', async (context) => {
  const modelsRoot = unpack(context, { taken: { m: '' }, good: { m: '' } });
  const { server, port } = await start(context, { modelsRoot });
  const load = async (body: string) => {
    const { status, text } = await call(port, '/models', { body });
    return [status, text === '' ? '' : JSON.parse(text).error];
  };
  const url = (path: string) => JSON.stringify({ model_name: 'x', url: path });
  assert.deepEqual(await load('{'), [
    400,
    'failed to parse the request JSON buffer: Missing a name for object member. at 1',
  ]);
  assert.deepEqual(await load('{"model_name":1}'), [400, 'attempt to access JSON non-string as string']);
  assert.deepEqual(await load(''), [400, "failed to register '', repository not found"]);
  for (const path of ['/proc/self', '/dev/../dev/shm', '/sys/x'])
    assert.deepEqual(await load(url(path)), [400, ''], path);
  for (const path of [
    '/etc',
    `${modelsRoot}/../x/model`,
    `${modelsRoot}/a/b/model`,
    `${modelsRoot}/../../etc/model`,
    `${modelsRoot}/a-b/model`,
    `${modelsRoot}/good/model/a/b`,
  ]) {
    assert.match(String((await load(url(path)))[1]), /^Invalid "url" '/, path);
  }
  server.loadFailure = new StatusError('INTERNAL', 'onnx runtime error 6: Failed to allocate memory');
  assert.equal((await load(url(`${modelsRoot}/good/model`)))[0], 507);
  server.loadFailure = new StatusError('NOT_FOUND', 'no such model');
  assert.deepEqual(await load(url(`${modelsRoot}/good/model`)), [400, 'no such model']);
  assert.equal(server.calls.at(-1), `unregister ${modelsRoot}/good/model`);
  writeFileSync(join(modelsRoot, 'taken', 'model', 'config.pbtxt'), 'name: "top"');
  assert.match(String((await load(url(`${modelsRoot}/taken/model`)))[0]), /409/);
});
