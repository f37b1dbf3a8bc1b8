import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { addSub, FakeServer, modelConfig, SIMPLE } from '../test-support/fake-server.ts';
import { FakeLogControl, startHttp } from '../test-support/frontends.ts';
import { call } from '../test-support/http-client.ts';
import type { HttpFrontendOptions } from './server.ts';

async function start(context: TestContext, options: Partial<HttpFrontendOptions> = {}) {
  const server = new FakeServer().add(SIMPLE, addSub).add(modelConfig('plain')).add(modelConfig('not_ready'));
  return { server, port: await startHttp(context, server, options) };
}

test('health answers by status alone', async (context) => {
  const { server, port } = await start(context);
  const live = await call(port, '/v2/health/live');
  assert.deepEqual([live.status, live.text, live.headers['content-type']], [200, '', 'text/plain']);
  server.ready = false;
  assert.equal((await call(port, '/v2/health/ready?x=1')).status, 400);
  assert.equal((await call(port, '/v2/models/plain/ready')).status, 200);
  assert.equal((await call(port, '/v2/models/not_ready/ready')).text, '{"error":"Model version not ready"}');
  assert.equal((await call(port, '/v2/models/nosuch/ready')).status, 404);
});

test('metadata describes server and models', async (context) => {
  const { port } = await start(context);
  assert.equal(
    (await call(port, '/v2')).text,
    '{"name":"triton","version":"1.2.3","extensions":["classification","sequence"]}',
  );
  assert.equal(
    (await call(port, '/v2/models/simple')).text,
    '{"name":"simple","versions":["1"],"platform":"fake","inputs":[{"name":"INPUT0","datatype":"INT32","shape":[-1,16]},{"name":"INPUT1","datatype":"INT32","shape":[-1,16]}],"outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[-1,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[-1,16]}]}',
  );
  assert.match(
    (await call(port, '/v2/models/plain/versions/1/config')).text,
    /^\{"name":"plain","platform":"","backend":"fake"/,
  );
  const missing = await call(port, '/v2/models/plain/versions/2');
  assert.deepEqual(
    [missing.status, missing.text],
    [404, '{"error":"Request for unknown model: \'plain\' version 2 is not found"}'],
  );
  const huge = await call(port, '/v2/models/plain/versions/99999999999999999999');
  assert.equal(huge.status, 400);
  assert.match(huge.text, /\(details: stol\), version should be an integral value > 0/);
});

test('statistics list every counter', async (context) => {
  const { port } = await start(context);
  const { model_stats: all } = JSON.parse((await call(port, '/v2/models/stats')).text);
  assert.equal(all.length, 3);
  const [simple] = JSON.parse((await call(port, '/v2/models/simple/stats')).text).model_stats;
  assert.deepEqual(simple.inference_stats.success, { count: 1, ns: 1500 });
  assert.deepEqual(simple.batch_stats[0].batch_size, 1);
  assert.deepEqual([simple.version, simple.response_stats, simple.memory_usage], ['1', {}, []]);
});

test('wrong methods are 405, unknown paths 404', async (context) => {
  const { port } = await start(context);
  for (const [method, path] of [
    ['POST', '/v2'],
    ['PUT', '/v2/models/simple/infer'],
    ['GET', '/v2/models/simple/infer'],
    ['GET', '/v2/repository/index'],
    ['PATCH', '/v2/logging'],
    ['POST', '/v2/systemsharedmemory/status'],
  ] as const) {
    const answer = await call(port, path, { method });
    assert.deepEqual([answer.status, answer.text], [405, '{"error":"Method Not Allowed"}'], `${method} ${path}`);
    assert.equal(answer.headers['content-type'], 'application/json');
  }
  const head = await call(port, '/v2/health/live', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [405, '']);
  assert.deepEqual((await call(port, '/v2/models/simple/foo')).text, '{"error":"Not Found"}');
});

test('the repository is listed, loaded into and unloaded from', async (context) => {
  const { server, port } = await start(context);
  server.index = [{ name: 'a' }, { name: 'b', version: 2, state: 'UNAVAILABLE', reason: 'unloaded' }];
  assert.equal(
    (await call(port, '/v2/repository/index', { body: '' })).text,
    '[{"name":"a"},{"name":"b","version":"2","state":"UNAVAILABLE","reason":"unloaded"}]',
  );
  assert.equal((await call(port, '/v2/repository/r/index', { body: '{"ready":true}' })).text, '[]');
  assert.deepEqual((await call(port, '/v2/repository/index', { body: '{"ready":1}' })).status, 400);

  const body = '{"parameters":{"config":"{}","file:1/m.onnx":"aGVsbG8="}}';
  const loaded = await call(port, '/v2/repository/models/m/load', { body });
  assert.deepEqual([loaded.status, loaded.text, loaded.headers['content-type']], [200, '', 'application/json']);
  assert.equal(server.overrides?.config, '{}');
  assert.equal(Buffer.from(server.overrides?.files?.get('1/m.onnx') ?? []).toString(), 'hello');
  const unknown = await call(port, '/v2/repository/models/m/load', { body: '{"parameters":{"foo":"x"}}' });
  assert.deepEqual([unknown.status, unknown.text], [500, '{"error":"unexpected error on creating Triton parameter"}']);
  server.loadFailure = new StatusError('UNAVAILABLE', 'no');
  assert.equal((await call(port, '/v2/repository/models/m/load', { body: '' })).status, 503);

  assert.equal(
    (await call(port, '/v2/repository/models/m/unload', { body: '{"parameters":{"unload_dependents":true}}' })).status,
    200,
  );
  assert.ok(server.calls.includes('unload m with dependents'));
  // Triton loses the error of a parameter of the wrong type, and unloads.
  const mistyped = await call(port, '/v2/repository/models/m/unload', {
    body: '{"parameters":{"unload_dependents":"yes"}}',
  });
  assert.equal(mistyped.status, 200);
  assert.equal(server.calls.at(-1), 'unload m');
  const named = await call(port, '/v2/repository/r/models/m/load', { body: '' });
  assert.deepEqual([named.status, named.text], [501, '{"error":"\'repository_name\' specification is not supported"}']);
});

test('log settings are shown and changed one by one', async (context) => {
  const logControl = new FakeLogControl();
  const { port } = await start(context, { logControl });
  const change = (body: string) => call(port, '/v2/logging', { body });
  assert.equal(
    (await call(port, '/v2/logging')).text,
    '{"log_file":"","log_info":true,"log_warning":true,"log_error":true,"log_verbose_level":0,"log_format":"default"}',
  );
  assert.match(
    (await change('{"log_info":false,"log_verbose_level":2,"log_warning":null}')).text,
    /"log_info":false,"log_warning":true.*"log_verbose_level":2/,
  );
  assert.equal((await change('{"log_file":"/etc/passwd"}')).status, 501);
  assert.deepEqual(
    (await change('{"log_error":false,"log_format":"foo"}')).text,
    '{"error":"invalid argument for --log_format, got: foo"}',
  );
  assert.equal(logControl.settings.errorEnabled, false, 'what stood in front of the mistake was taken');
  assert.equal((await change('')).status, 500);
});

test('trace settings are kept globally and by model', async (context) => {
  const { port } = await start(context);
  const change = async (body: string, model = '') => (await call(port, `/v2${model}/trace/setting`, { body })).text;
  const off =
    '{"trace_level":["OFF"],"trace_rate":"1000","trace_count":"-1","log_frequency":"0","trace_file":"","trace_mode":"triton"}';
  assert.equal((await call(port, '/v2/trace/setting')).text, off);
  assert.match(await change('{"trace_rate":"500"}'), /"trace_rate":"500"/);
  assert.match(await change('{"trace_rate":"7"}', '/models/simple'), /"trace_rate":"7"/);
  assert.match((await call(port, '/v2/trace/setting')).text, /"trace_rate":"500"/);
  assert.match(await change('{"trace_rate":null}', '/models/simple'), /"trace_rate":"500"/);
  assert.equal(await change('{"trace_rate":null}'), off);
  assert.equal(
    await change('{"trace_level":["TIMESTAMPS"]}'),
    '{"error":"Attempting to set invalid trace setting :trace file name is not given"}',
  );
  assert.equal(await change('{"trace_rate":"x"}'), '{"error":"Unable to parse \'trace_rate\', got: x"}');
  assert.equal(
    await change('{"trace_count":"-2"}'),
    '{"error":"Unable to parse \'trace_count\'. Expecting value >= -1, got:-2"}',
  );
  assert.equal(
    await change('{"trace_file":"x"}'),
    '{"error":"trace file location can not be updated through network protocol"}',
  );
  assert.match(await change('{}', '/models/nosuch'), /unknown model/);
});

test('shared memory is off', async (context) => {
  const { port } = await start(context);
  assert.equal((await call(port, '/v2/systemsharedmemory/status')).text, '[]');
  assert.equal(
    (await call(port, '/v2/cudasharedmemory/region/r/status')).text,
    '{"error":"Unable to find cuda shared memory region: \'r\'"}',
  );
  const register = await call(port, '/v2/systemsharedmemory/region/r/register', { body: '{"key":"/x","byte_size":1}' });
  assert.equal(register.status, 501);
  assert.match(register.text, /^\{"error":"Client shared memory is disabled/);
});

test('guarded routes need their header, whatever else is wrong', async (context) => {
  const restrictions = new Map([['metadata', { header: 'secret', value: 'open' }]] as const);
  const { port } = await start(context, { restrictions });
  const refused = await call(port, '/v2', { method: 'PUT' });
  assert.deepEqual(
    [refused.status, refused.text],
    [403, '{"error":"This API is restricted, expecting header \'secret\'"}'],
  );
  assert.equal((await call(port, '/v2/models/simple', { headers: { Secret: 'opened' } })).status, 403);
  assert.equal((await call(port, '/v2', { headers: { SECRET: 'open' } })).status, 200);
  assert.equal((await call(port, '/v2/health/live')).status, 200);
});
