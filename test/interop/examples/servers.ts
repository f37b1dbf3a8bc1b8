import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '../../conformance/server-process.ts';
import { writeExampleRepository, writeFurtherExamples } from '../../support/example-models.ts';
import type { ExampleServer } from './catalogue.ts';

const USUAL_PORTS = { http: 8000, grpc: 8001 };

/** The servers that the example clients talk to; each starts when it is first needed. */
export class ExampleServers {
  readonly #root = mkdtempSync(join(tmpdir(), 'nereid-interop-examples-'));
  readonly #running = new Map<ExampleServer, ServerProcess>();

  /** Addresses without scheme. Throws an Error with the server's log when it does not start. */
  async addresses(which: ExampleServer): Promise<{ readonly http: string; readonly grpc: string }> {
    const server = this.#running.get(which) ?? (await this.#start(which));
    this.#running.set(which, server);
    return { http: `127.0.0.1:${server.ports.http}`, grpc: `127.0.0.1:${server.ports.grpc}` };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((server) => server.stop()));
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #start(which: ExampleServer): Promise<ServerProcess> {
    const repository = join(this.#root, which);
    if (which === 'main' || which === 'seven-models') writeExampleRepository(repository);
    else writeFurtherExamples(repository);
    if (which === 'seven-models') rmSync(join(repository, 'inception_onnx'), { recursive: true });
    const ports = which === 'usual-ports' ? USUAL_PORTS : { http: 0, grpc: 0 };
    const started = await startServer(
      [
        `--model-repository=${repository}`,
        '--model-control-mode=explicit',
        '--load-model=*',
        '--allow-client-shm=true',
        '--http-address=127.0.0.1',
        `--http-port=${ports.http}`,
        '--grpc-address=127.0.0.1',
        `--grpc-port=${ports.grpc}`,
        '--metrics-port=0',
      ],
      { XDG_CACHE_HOME: join(this.#root, 'cache') },
      ['http', 'grpc'],
    );
    if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
    return started.server;
  }
}

/** Which of the ports that Triton listens on by itself is not free; undefined when all are. */
export async function usualPortTaken(): Promise<number | undefined> {
  for (const port of Object.values(USUAL_PORTS)) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (!free) return port;
  }
  return undefined;
}
