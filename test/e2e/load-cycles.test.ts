import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../support/command.ts';
import { writeTestRepository } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const HOOK = new URL('../support/report-memory.mjs', import.meta.url).href;
const MEGABYTE = 2 ** 20;

/** Cycles after which caches, pools and the allocator have their size. */
const WARM_UP = 250;
const CYCLES = 1_000;
/** A session that stays takes 0.1 MB, a worker thread's remains 0.03 MB: 75 MB and 6 MB over the cycles that are counted. */
const MAX_RESIDENT_GROWTH = 12 * MEGABYTE;
const MAX_HEAP_GROWTH = 3 * MEGABYTE;
/** The ensemble, with its DALI and TensorFlow steps, takes longer to load. */
const ENSEMBLE_EVERY = 4;

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

test('1,000 loads and unloads of a model over HTTP, 250 of an ensemble of DALI and TensorFlow: memory stays flat', async (context) => {
  const directory = temporaryDirectory(context);
  writeTestRepository(directory);
  const server = await startTestServer([`--model-repository=${directory}`, '--model-control-mode=explicit'], {
    NODE_OPTIONS: `--import=${HOOK}`,
  });
  const agent = new Agent({ keepAlive: true });
  context.after(() => {
    agent.destroy();
    return server.stop();
  });
  const control = (model: string, verb: string, body: string): Promise<void> =>
    post(`${server.httpUrl}/v2/repository/models/${model}/${verb}`, body, agent);
  const cycle = async (model: string): Promise<void> => {
    await control(model, 'load', '{}');
    await control(model, 'unload', '{"parameters":{"unload_dependents":true}}');
  };

  let warm: Memory | undefined;
  for (let count = 1; count <= CYCLES; count++) {
    await cycle('add_sub');
    if (count % ENSEMBLE_EVERY === 0) await cycle('image_ensemble');
    if (count === WARM_UP) warm = await memoryOf(server);
  }
  const after = await memoryOf(server);
  assert.ok(warm !== undefined);
  const growth = { rss: after.rss - warm.rss, heapUsed: after.heapUsed - warm.heapUsed };
  context.diagnostic(
    `resident ${(growth.rss / MEGABYTE).toFixed(1)} MB, heap ${(growth.heapUsed / MEGABYTE).toFixed(1)} MB more`,
  );
  assert.ok(growth.rss < MAX_RESIDENT_GROWTH, JSON.stringify({ warm, after }));
  assert.ok(growth.heapUsed < MAX_HEAP_GROWTH, JSON.stringify({ warm, after }));
});

async function memoryOf(server: RunningServer): Promise<Memory> {
  const before = server.log().length;
  server.child.kill('SIGUSR2');
  for (;;) {
    const line = /^\{"memory":.*\}$/m.exec(server.log().slice(before))?.[0];
    if (line !== undefined) return (JSON.parse(line) as { memory: Memory }).memory;
    await delay(20);
  }
}

function post(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${url}: ${response.statusCode} ${text}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
