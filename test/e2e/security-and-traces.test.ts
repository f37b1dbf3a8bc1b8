import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BRIGHT_IMAGE, writeTestRepository } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const TOKEN = 'correct-horse-battery';
const PAGE = 4096;
const root = mkdtempSync(join(tmpdir(), 'nereid-e2e-'));
const traceFile = join(root, 'trace.json');
const key = `nereid-e2e-${randomUUID()}`;
const shared = `/dev/shm/${key}`;
let server: RunningServer;

before(async () => {
  writeTestRepository(join(root, 'models'));
  writeFileSync(join(root, 'tokens'), `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(shared, new Uint8Array(4 * PAGE));
  server = await startTestServer([
    `--model-repository=${join(root, 'models')}`,
    `--import-cache-directory=${join(root, 'imports')}`,
    `--auth-token-file=${join(root, 'tokens')}`,
    '--auth-public-api=health',
    '--allow-client-shm=true',
    '--client-shm-key-prefix=nereid-e2e-',
    '--trace-config=level=TIMESTAMPS',
    '--trace-config=rate=1',
    `--trace-config=triton,file=${traceFile}`,
  ]);
});

after(async () => {
  if (server.child.exitCode === null) await server.stop();
  rmSync(root, { recursive: true, force: true });
  rmSync(shared, { force: true });
});

function send(path: string, body?: object | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(server.httpUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

const region = (offset: number, byteSize: number) => ({
  shared_memory_region: 'r',
  shared_memory_offset: offset,
  shared_memory_byte_size: byteSize,
});

const addSub = {
  inputs: ['INPUT0', 'INPUT1'].map((name, index) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    parameters: region(64 * index, 64),
  })),
  outputs: [{ name: 'OUTPUT0', parameters: region(PAGE, 64) }],
};

describe('a guarded server', () => {
  test('tells who has no token that it lives, and nothing else', async () => {
    assert.equal((await fetch(`${server.httpUrl}/v2/health/ready`)).status, 200);
    const refused = await fetch(`${server.httpUrl}/v2/models/add_sub`);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
    const metrics = /Started Metrics Service at ([\w.:]+)/.exec(server.log())?.[1];
    assert.equal((await fetch(`http://${metrics}/metrics`)).status, 401);
    const page = await fetch(`http://${metrics}/metrics`, { headers: { 'X-API-Key': TOKEN } });
    assert.match(await page.text(), /^nereid_event_loop_utilization /m);
    assert.ok(!server.log().includes(TOKEN));
  });
});

describe('shared memory', () => {
  const register = (byteSize: number) =>
    send('/v2/systemsharedmemory/region/r/register', { key: `/${key}`, offset: 0, byte_size: byteSize });

  test('is read and written by a model that runs', async () => {
    assert.equal((await register(4 * PAGE)).status, 200);
    writeFileSync(shared, new Uint8Array(Int32Array.from({ length: 32 }, (_, index) => index).buffer), { flag: 'r+' });
    for (let run = 0; run < 20; run++) {
      const answer = await send('/v2/models/add_sub/infer', addSub);
      assert.equal(answer.status, 200, await answer.clone().text());
    }
    const written = readFileSync(shared).subarray(PAGE, PAGE + 64);
    assert.equal(written.readInt32LE(4 * 15), 15 + 31);
    writeFileSync(shared, BRIGHT_IMAGE, { flag: 'r+' });
    const length = BRIGHT_IMAGE.length;
    const picture = { name: 'INPUT', shape: [1, length], datatype: 'UINT8', parameters: region(0, length) };
    const classified = await send('/v2/models/image_ensemble/infer', {
      inputs: [picture],
      outputs: [{ name: 'OUTPUT', parameters: { classification: 1 } }],
    });
    assert.match(JSON.parse(await classified.text()).outputs[0].data[0], /:bright$/);
  });

  test('only keys that begin as the operator says', async () => {
    const refused = await send('/v2/systemsharedmemory/region/x/register', { key: '/other', byte_size: 1 });
    assert.equal(refused.status, 500);
    assert.equal(await refused.text(), '{"error":"Unable to open shared memory region: \'/other\'"}');
  });

  test('an object that is made smaller takes down neither the server nor other requests', async () => {
    truncateSync(shared, 0);
    const refused = await send('/v2/models/add_sub/infer', addSub);
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /Invalid offset \+ byte size for shared memory region: 'r'/);
    assert.equal((await send('/v2/systemsharedmemory/unregister', '')).status, 200);
    assert.equal((await send('/v2/health/live')).status, 200);
  });
});

describe('traces', () => {
  test('hold the ensemble and its steps, the answer says the same', async () => {
    const data = [...BRIGHT_IMAGE];
    const answer = await send('/v2/models/image_ensemble/infer', {
      id: 'traced',
      parameters: { nereid_timing: true },
      inputs: [{ name: 'INPUT', shape: [1, data.length], datatype: 'UINT8', data }],
    });
    const timing = JSON.parse(JSON.parse(await answer.text()).parameters.nereid_timing);
    assert.deepEqual(
      timing.steps.map(({ model }: { model: string }) => model),
      ['preprocess', 'classifier'],
    );
    assert.ok(timing.steps[0].compute_infer_us > 0);
    assert.equal(await server.stop(), 0, server.log());
    const entries: Record<string, unknown>[] = JSON.parse(readFileSync(traceFile, 'utf8'));
    const request = entries.find(
      ({ request_id, model_name }) => request_id === 'traced' && model_name === 'image_ensemble',
    );
    const steps = entries.filter(({ parent_id }) => parent_id === request?.['id']);
    assert.deepEqual(
      steps.map(({ model_name }) => model_name),
      ['preprocess', 'classifier'],
    );
  });
});
