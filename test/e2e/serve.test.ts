import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BRIGHT_IMAGE, DARK_IMAGE, writeTestRepository } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const root = mkdtempSync(join(tmpdir(), 'nereid-e2e-'));
let server: RunningServer;

before(async () => {
  writeTestRepository(join(root, 'models'));
  server = await startTestServer(
    [
      `--model-repository=${join(root, 'models')}`,
      '--allow-sagemaker=true',
      `--import-cache-directory=${join(root, 'imports')}`,
    ],
    { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'image_ensemble' },
  );
});

after(async () => {
  const exitCode = await server.stop();
  rmSync(root, { recursive: true, force: true });
  assert.equal(exitCode, 0, server.log());
});

async function infer(model: string, request: object): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${server.httpUrl}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify(request),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

function withBinary(
  header: object,
  ...parts: readonly Uint8Array[]
): { body: Uint8Array<ArrayBuffer>; headerLength: number } {
  const json = new TextEncoder().encode(JSON.stringify(header));
  return { body: new Uint8Array(Buffer.concat([json, ...parts])), headerLength: json.length };
}

const image = (bytes: Uint8Array) => ({ name: 'INPUT', shape: [1, bytes.length], datatype: 'UINT8' });

describe('nereid serve', () => {
  test('says which models it serves and where it listens', () => {
    assert.match(server.log(), /\| image_ensemble \| 1 +\| READY +\|/);
    assert.match(server.log(), /Started HTTPService at 127\.0\.0\.1:\d+/);
    assert.match(server.log(), /Started Sagemaker HTTPService at 0\.0\.0\.0:\d+/);
  });

  test('is live and ready', async () => {
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/image_ensemble/ready']) {
      assert.equal((await fetch(server.httpUrl + path)).status, 200, path);
    }
    assert.equal((await fetch(`${server.sagemakerUrl}/ping`)).status, 200);
  });

  test('adds and subtracts in JSON', async () => {
    const first = Array.from({ length: 16 }, (_, index) => index);
    const input = (name: string, data: readonly number[]) => ({ name, shape: [1, 16], datatype: 'INT32', data });
    const request = {
      id: 'r1',
      inputs: [
        input('INPUT0', first),
        input(
          'INPUT1',
          first.map(() => 2),
        ),
      ],
    };
    const { status, answer } = await infer('add_sub', request);
    assert.equal(status, 200);
    assert.deepEqual(answer, {
      id: 'r1',
      model_name: 'add_sub',
      model_version: '1',
      outputs: [
        { name: 'OUTPUT0', datatype: 'INT32', shape: [1, 16], data: first.map((value) => value + 2) },
        { name: 'OUTPUT1', datatype: 'INT32', shape: [1, 16], data: first.map((value) => value - 2) },
      ],
    });
  });

  test('classifies pictures through the ensemble, in JSON', async () => {
    for (const [bytes, expected] of [
      [BRIGHT_IMAGE, 1],
      [DARK_IMAGE, 0],
    ] as const) {
      const { status, answer } = await infer('image_ensemble', {
        inputs: [{ ...image(bytes), data: [Array.from(bytes)] }],
      });
      assert.equal(status, 200, JSON.stringify(answer));
      const [output] = answer['outputs'] as [{ data: [number, number]; shape: number[] }];
      assert.deepEqual(output.shape, [1, 2]);
      assert.equal(output.data.indexOf(Math.max(...output.data)), expected);
    }
  });

  test('classifies a batch of pictures in binary, zero-padded to one length', async () => {
    const length = Math.max(BRIGHT_IMAGE.length, DARK_IMAGE.length);
    const padded = [BRIGHT_IMAGE, DARK_IMAGE, BRIGHT_IMAGE].map((bytes) => Buffer.concat([bytes], length));
    const request = {
      inputs: [{ name: 'INPUT', shape: [3, length], datatype: 'UINT8', parameters: { binary_data_size: 3 * length } }],
      outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }],
    };
    const { body, headerLength } = withBinary(request, ...padded);
    const response = await fetch(`${server.httpUrl}/v2/models/image_ensemble/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(headerLength) },
      body,
    });
    const answer = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 200, answer.toString());
    const scores = answer.subarray(Number(response.headers.get('inference-header-content-length')));
    const bright = [0, 1, 2].map((row) => scores.readFloatLE(row * 8 + 4) > 0.5);
    assert.deepEqual(bright, [true, false, true]);
  });

  test('labels come through the ensemble', async () => {
    const request = {
      inputs: [{ ...image(BRIGHT_IMAGE), data: [Array.from(BRIGHT_IMAGE)] }],
      outputs: [{ name: 'OUTPUT', parameters: { classification: 1 } }],
    };
    const { answer } = await infer('image_ensemble', request);
    const [output] = answer['outputs'] as [{ data: [string]; datatype: string }];
    assert.equal(output.datatype, 'BYTES');
    assert.match(output.data[0], /^0\.9\d{5}:1:bright$/);
  });

  test('answers the requests of the article at the container port', async () => {
    const json = await fetch(`${server.sagemakerUrl}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: JSON.stringify({ inputs: [{ ...image(DARK_IMAGE), data: [Array.from(DARK_IMAGE)] }] }),
    });
    assert.equal(json.status, 200);
    assert.equal(json.headers.get('content-type'), 'application/json');

    const prefix = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
    const { body, headerLength } = withBinary(
      {
        inputs: [{ ...image(DARK_IMAGE), parameters: { binary_data_size: DARK_IMAGE.length } }],
        outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }],
      },
      DARK_IMAGE,
    );
    const binary = await fetch(`${server.sagemakerUrl}/invocations`, {
      method: 'POST',
      headers: { 'content-type': prefix + headerLength },
      body,
    });
    assert.equal(binary.status, 200);
    const contentType = binary.headers.get('content-type') ?? '';
    assert.ok(contentType.startsWith(prefix), contentType);
    const scores = Buffer.from(await binary.arrayBuffer()).subarray(Number(contentType.slice(prefix.length)));
    assert.ok(scores.readFloatLE(0) > 0.5);
  });

  test('an error in a step names it, and spares others', async () => {
    const bad = infer('image_ensemble', {
      inputs: [{ name: 'INPUT', shape: [1, 3], datatype: 'UINT8', data: [1, 2, 3] }],
    });
    const good = infer('image_ensemble', { inputs: [{ ...image(BRIGHT_IMAGE), data: [Array.from(BRIGHT_IMAGE)] }] });
    const [failed, answered] = await Promise.all([bad, good]);
    assert.equal(answered.status, 200);
    assert.ok(failed.status >= 400, String(failed.status));
    assert.match(String(failed.answer['error']), /^in ensemble 'image_ensemble', /);
  });
});
