import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeModel } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const TENSORS = `input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 1 ] } output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 1 ] }`;
const slow = (name: string, scheduling: string) => `
name: "${name}" backend: "identity" max_batch_size: 1 ${TENSORS} ${scheduling}
instance_group { count: 1 kind: KIND_CPU }
parameters { key: "execute_delay_ms" value { string_value: "20" } }`;
const step = (model: string, from: string, to: string) =>
  `step { model_name: "${model}" model_version: -1 input_map { key: "INPUT0" value: "${from}" } output_map { key: "OUTPUT0" value: "${to}" } }`;

const root = mkdtempSync(join(tmpdir(), 'nereid-overload-'));
let server: RunningServer;

before(async () => {
  const models = {
    first: `name: "first" backend: "identity" max_batch_size: 1 ${TENSORS}`,
    middle: slow('middle', 'dynamic_batching { default_queue_policy { max_queue_size: 4 } }'),
    queued: slow('queued', 'dynamic_batching { }'),
    large: `name: "large" backend: "identity" ${TENSORS.replaceAll('[ 1 ]', '[ -1 ]')}`,
    chain: `name: "chain" platform: "ensemble" max_batch_size: 1 ${TENSORS}
      ensemble_scheduling { ${step('first', 'INPUT0', 'a')} ${step('middle', 'a', 'b')} ${step('first', 'b', 'OUTPUT0')} }`,
  };
  for (const [name, config] of Object.entries(models))
    writeModel(root, name, { 'config.pbtxt': config, '1/.keep': '' });
  server = await startTestServer([`--model-repository=${root}`]);
});

after(async () => {
  const exitCode = await server.stop();
  rmSync(root, { recursive: true, force: true });
  assert.equal(exitCode, 0, server.log());
});

const BODY = JSON.stringify({ inputs: [{ name: 'INPUT0', shape: [1, 1], datatype: 'INT32', data: [7] }] });

async function infer(model: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.httpUrl}/v2/models/${model}/infer`, { method: 'POST', body: BODY });
  return { status: response.status, text: await response.text() };
}

interface Counts {
  readonly success: { readonly count: number };
  readonly fail: { readonly count: number };
}

async function counts(model: string): Promise<Counts> {
  const response = await fetch(`${server.httpUrl}/v2/models/${model}/stats`);
  const { model_stats } = (await response.json()) as { model_stats: { inference_stats: Counts }[] };
  return model_stats[0]!.inference_stats;
}

/** Requests of the model that the server has answered or holds in its queue; those being computed are not among them. */
async function answeredOrQueued(model: string): Promise<number> {
  const { success, fail } = await counts(model);
  const address = /Started Metrics Service at ([\w.:]+)/.exec(server.log())?.[1];
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  const pending = new RegExp(`^nv_inference_pending_request_count\\{model="${model}".*\\} (\\d+)$`, 'm').exec(metrics);
  assert.ok(pending?.[1] !== undefined, metrics);
  return success.count + fail.count + Number(pending[1]);
}

test('a full queue in the middle of an ensemble refuses with 503 and loses nobody', async () => {
  const answers = await Promise.all(Array.from({ length: 60 }, () => infer('chain')));
  const good = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503);
  assert.equal(good.length + refused.length, answers.length);
  assert.ok(good.length >= 5, `${good.length} answers`);
  assert.ok(refused.length > 0);
  for (const { text } of refused) assert.match(text, /in ensemble 'chain', .*Exceeds maximum queue size/);
  assert.equal((await infer('chain')).status, 200);
});

test('clients that do not read what they asked for, and idle ones by the hundred, hold nobody up', async () => {
  const { hostname, port } = new URL(server.httpUrl);
  const body = new Uint8Array(16 << 20);
  const head = `POST /v2/models/large/infer HTTP/1.1\r\nHost: x\r\nInference-Header-Content-Length: 0\r\nContent-Length: ${body.length}\r\n\r\n`;
  const opened = (onOpen: (socket: Socket) => void) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        onOpen(socket);
        resolve(socket);
      });
      socket.pause();
      socket.on('error', reject);
    });
  const idle = await Promise.all(Array.from({ length: 300 }, () => opened(() => {})));
  const deaf = await Promise.all(
    Array.from({ length: 6 }, () =>
      opened((socket) => {
        socket.write(head);
        socket.write(body);
      }),
    ),
  );
  while ((await counts('large')).success.count < deaf.length) assert.equal((await infer('queued')).status, 200);
  for (const socket of [...idle, ...deaf]) socket.destroy();
  assert.equal((await infer('queued')).status, 200);
});

test('300 clients that hang up while they wait are not computed, and the server serves on', async () => {
  const { hostname, port } = new URL(server.httpUrl);
  const head = `POST /v2/models/queued/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  const earlier = (await counts('queued')).success.count;
  const sockets = await Promise.all(
    Array.from(
      { length: 300 },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(Number(port), hostname, () => socket.write(head + BODY, () => resolve(socket)));
          socket.on('error', reject);
        }),
    ),
  );
  // One is being computed while others wait.
  while ((await answeredOrQueued('queued')) < earlier + sockets.length - 1)
    await new Promise((resolve) => setImmediate(resolve));
  for (const socket of sockets) socket.destroy();
  assert.equal((await infer('queued')).status, 200);
  const { success, fail } = await counts('queued');
  assert.equal(success.count + fail.count, earlier + 301);
  assert.ok(fail.count > 150, `${fail.count} were cancelled`);
});
