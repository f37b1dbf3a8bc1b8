import { Client, type Load, type LoadTarget, type Sample } from './target.ts';

/** After a failure a client pauses this long, so that a server that refuses everything is not flooded. */
const PAUSE_AFTER_ERROR_MS = 10;

/** Keeps `concurrency` requests outstanding: each client sends its next request when it has its answer. */
export function closedLoop(target: LoadTarget, concurrency: number): Load {
  let samples: Sample[] = [];
  let running = true;
  const clients = Array.from({ length: concurrency }, (_, index) => new Client(target, index));
  const loops = clients.map(async (client) => {
    while (running) {
      const sample = await client.send(performance.now());
      samples.push(sample);
      if (sample.error !== undefined) await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_ERROR_MS));
    }
  });
  return {
    drain() {
      const drained = samples;
      samples = [];
      return drained;
    },
    async stop() {
      running = false;
      for (const client of clients) client.close();
      await Promise.all(loops);
    },
  };
}
