import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { seededRandom } from '../random.ts';
import { closedLoop } from './closed-loop.ts';
import { interval, openLoop } from './open-loop.ts';
import type { Load, LoadTarget, Sample } from './target.ts';

async function withServer(listener: RequestListener, use: (target: LoadTarget) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const request = (client: number, index: number) =>
    Buffer.from(`POST /${client}/${index} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`);
  try {
    await use({ host: '127.0.0.1', port, request });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function collect(load: Load, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (samples.length < count) {
    await new Promise((resolve) => setImmediate(resolve));
    samples.push(...load.drain());
  }
  return samples;
}

test('closed loop: each client has one request outstanding, and sends its own in order', async () => {
  const held: (() => void)[] = [];
  let most = 0;
  const seen = new Map<string, number>();
  await withServer(
    (request, response) => {
      const [, client = '', index = ''] = request.url!.split('/');
      assert.equal(Number(index), seen.get(client) ?? 0);
      seen.set(client, Number(index) + 1);
      // Nobody is answered until everybody has asked.
      most = Math.max(
        most,
        held.push(() => response.end('x'.repeat(100_000))),
      );
      if (held.length === 4) for (const answer of held.splice(0)) answer();
    },
    async (target) => {
      const load = closedLoop(target, 4);
      const samples = await collect(load, 200);
      await load.stop();
      assert.ok(samples.every(({ error, startMs, endMs }) => error === undefined && endMs >= startMs));
    },
  );
  assert.equal(most, 4);
  assert.equal(seen.size, 4);
});

test('an error is told with the server’s words, and a broken connection is opened anew', async () => {
  let count = 0;
  await withServer(
    (request, response) => {
      if (count++ === 1) request.socket.destroy();
      else response.writeHead(503, { 'Content-Length': 4 }).end('full');
    },
    async (target) => {
      const load = closedLoop(target, 1);
      const samples = await collect(load, 3);
      await load.stop();
      assert.equal(samples[0]?.error, '503 full');
      assert.match(samples[1]?.error ?? '', /closed the connection|ECONNRESET/);
      assert.equal(samples[2]?.error, '503 full');
    },
  );
});

test('open loop: what finds no connection waits, and its latency counts from when it was due', async () => {
  const answers: (() => void)[] = [];
  await withServer(
    (_, response) => answers.push(() => response.end('ok')),
    async (target) => {
      const options = {
        requestsPerSecond: 2_000,
        distribution: 'constant' as const,
        random: seededRandom(1),
        maxConnections: 2,
      };
      const load = openLoop(target, options);
      while (answers.length < 2) await new Promise((resolve) => setImmediate(resolve));
      const holdUntil = performance.now() + 20;
      while (performance.now() < holdUntil) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(answers.length, 2, 'no third connection');
      const pump = setInterval(() => {
        for (const answer of answers.splice(0)) answer();
      }, 1);
      const samples = await collect(load, 10);
      clearInterval(pump);
      await load.stop();
      const waited = samples.map(({ startMs, endMs }) => endMs - startMs);
      assert.ok(waited[2]! > 10, `the third request was due long before it was sent: ${waited[2]}`);
      const due = samples.map(({ startMs }) => startMs).sort((a, b) => a - b);
      for (let index = 1; index < due.length; index++) assert.ok(Math.abs(due[index]! - due[index - 1]! - 0.5) < 1e-6);
    },
  );
});

test('Poisson intervals have the mean and the spread of an exponential distribution', () => {
  const options = {
    requestsPerSecond: 100,
    distribution: 'poisson' as const,
    random: seededRandom(7),
    maxConnections: 1,
  };
  const drawn = Array.from({ length: 20_000 }, () => interval(options));
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const deviation = Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length);
  assert.ok(Math.abs(mean - 10) < 0.3, `mean ${mean}`);
  assert.ok(Math.abs(deviation - 10) < 0.5, `deviation ${deviation}`);
});
