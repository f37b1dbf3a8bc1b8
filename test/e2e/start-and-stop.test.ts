import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { nereid, temporaryDirectory } from '../support/command.ts';
import { writeAddSub, writeModel } from '../support/model-repository.ts';
import { startTestServer } from '../support/running-server.ts';

const LOOPBACK = ['--http-address=127.0.0.1', '--http-port=0', '--metrics-port=0', '--grpc-port=0'];

test('without a model repository it says so', async () => {
  const { exitCode, stderr } = await nereid(['serve']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /error: creating server: Invalid argument - --model-repository must be specified/);
});

test('a model repository that does not exist is named', async (context) => {
  const missing = join(temporaryDirectory(context), 'nowhere');
  const { exitCode, stderr } = await nereid(['serve', ...LOOPBACK, `--model-repository=${missing}`]);
  assert.equal(exitCode, 1);
  assert.ok(stderr.includes(`error: creating server: Internal - failed to stat file ${missing}`), stderr);
});

test('an unknown flag is refused', async () => {
  const { exitCode, stderr } = await nereid(['serve', '--nope=1']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /unrecognized option '--nope=1'/);
});

test('two front ends may not share a port', async (context) => {
  const directory = temporaryDirectory(context);
  const flags = [
    `--model-repository=${directory}`,
    '--http-address=127.0.0.1',
    '--http-port=20000',
    '--metrics-port=20000',
  ];
  const { exitCode, stderr } = await nereid(['serve', ...flags]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /The server cannot listen to HTTP requests and metrics requests at the same address and port 127\.0\.0\.1:20000/,
  );
});

test('a port in use is named', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory);
  const blocker = createServer().listen(0, '127.0.0.1');
  context.after(() => blocker.close());
  await new Promise((resolve) => blocker.once('listening', resolve));
  const { port } = blocker.address() as { port: number };
  const { exitCode, stderr } = await nereid([
    'serve',
    ...LOOPBACK,
    `--http-port=${port}`,
    `--model-repository=${directory}`,
  ]);
  assert.equal(exitCode, 1);
  assert.ok(stderr.includes(`Socket '127.0.0.1:${port}' already in use`), stderr);
});

test('a broken model ends the server, its reason in the table', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory);
  writeModel(directory, 'broken', { '1/model.onnx': 'not a model', 'config.pbtxt': 'platform: "onnxruntime_onnx"\n' });
  const { exitCode, stderr } = await nereid(['serve', ...LOOPBACK, `--model-repository=${directory}`]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /\| add_sub \| 1 +\| READY/);
  assert.match(stderr, /\| broken +\| 1 +\| UNAVAILABLE: /);
  assert.match(stderr, /error: creating server: Internal - failed to load all models/);
});

test('with --exit-on-error=false the other models are served', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory);
  writeModel(directory, 'broken', { '1/model.onnx': 'not a model', 'config.pbtxt': 'platform: "onnxruntime_onnx"\n' });
  const server = await startTestServer([`--model-repository=${directory}`, '--exit-on-error=false']);
  try {
    assert.equal((await fetch(`${server.httpUrl}/v2/models/add_sub/ready`)).status, 200);
    assert.equal((await fetch(`${server.httpUrl}/v2/health/ready`)).status, 400);
    const index = await (await fetch(`${server.httpUrl}/v2/repository/index`, { method: 'POST' })).json();
    const broken = (index as { name: string; state: string }[]).find(({ name }) => name === 'broken');
    assert.equal(broken?.state, 'UNAVAILABLE');
  } finally {
    assert.equal(await server.stop(), 0);
  }
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the server`, async (context) => {
    const directory = temporaryDirectory(context);
    mkdirSync(directory, { recursive: true });
    writeAddSub(directory);
    const server = await startTestServer([`--model-repository=${directory}`]);
    assert.equal(await server.stop(signal), 0, server.log());
    assert.match(server.log(), /Waiting for in-flight requests to complete\./);
  });
}

test('a signal that comes twice, as Ctrl+C does through the launcher, is one', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory);
  const server = await startTestServer([`--model-repository=${directory}`]);
  server.child.kill('SIGINT');
  assert.equal(await server.stop('SIGINT'), 0, server.log());
});

test('no answer is lost when the server stops under load', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory);
  const server = await startTestServer([`--model-repository=${directory}`]);
  const outcomes = { answered: 0, refused: 0, other: [] as string[] };
  const stopped = Promise.withResolvers<void>();
  const clients = Array.from({ length: 8 }, async (_, client) => {
    while (outcomes.other.length === 0) {
      const outcome = await addOnce(server.httpUrl, client);
      if (outcome !== 'right') {
        // A server that has stopped takes no connection: nothing was sent.
        if (outcome === 'ECONNREFUSED') outcomes.refused++;
        else outcomes.other.push(outcome);
        return;
      }
      if (++outcomes.answered === 200) stopped.resolve();
    }
  });
  await stopped.promise;
  assert.equal(await server.stop('SIGTERM'), 0, server.log());
  await Promise.all(clients);
  assert.deepEqual({ refused: outcomes.refused, other: outcomes.other }, { refused: 8, other: [] });
});

/** 'right' for a right answer, else what came instead. */
async function addOnce(url: string, value: number): Promise<string> {
  const tensor = (name: string) => ({ name, shape: [1, 16], datatype: 'INT32', data: new Array(16).fill(value) });
  const body = JSON.stringify({ inputs: [tensor('INPUT0'), tensor('INPUT1')] });
  try {
    const response = await fetch(`${url}/v2/models/add_sub/infer`, { method: 'POST', body });
    const text = await response.text();
    return text.includes(`"data":[${new Array(16).fill(2 * value)}]`) ? 'right' : text;
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException;
    return cause.code ?? cause.message;
  }
}

test('the models can be chosen', async (context) => {
  const directory = temporaryDirectory(context);
  writeAddSub(directory, 'first');
  writeAddSub(directory, 'second');
  const flags = [`--model-repository=${directory}`, '--model-control-mode=explicit', '--load-model=second'];
  const server = await startTestServer(flags);
  try {
    assert.equal((await fetch(`${server.httpUrl}/v2/models/second/ready`)).status, 200);
    assert.notEqual((await fetch(`${server.httpUrl}/v2/models/first/ready`)).status, 200);
  } finally {
    await server.stop();
  }
  const refused = await nereid(['serve', ...LOOPBACK, `--model-repository=${directory}`, '--load-model=first']);
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.stderr,
    /Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well\./,
  );
});
