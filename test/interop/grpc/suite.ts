import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../conformance/server-process.ts';
import { writeTestRepository } from '../../support/model-repository.ts';
import { pythonEnvironment, runPythonTests } from '../python-environment.ts';
import type { SuiteResult } from '../result.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const IMAGE = fileURLToPath(new URL('../../support/bright.jpg', import.meta.url));

/** tritonclient's gRPC clients (blocking, asynchronous, streaming, aio), gRPC's own health and reflection clients. */
export async function runGrpcClientSuite(requirements: string): Promise<SuiteResult> {
  const environment = pythonEnvironment(requirements);
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-grpc-'));
  try {
    const repository = join(root, 'models');
    writeTestRepository(repository);
    const started = await startServer(
      [
        `--model-repository=${repository}`,
        '--model-control-mode=explicit',
        '--load-model=*',
        '--http-address=127.0.0.1',
        '--http-port=0',
        '--metrics-port=0',
        '--grpc-address=127.0.0.1',
        '--grpc-port=0',
        '--grpc-infer-response-compression-level=low',
      ],
      { XDG_CACHE_HOME: join(root, 'cache') },
      ['grpc'],
    );
    if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
    const { server } = started;
    try {
      return await runPythonTests(environment, FOLDER, {
        NEREID_GRPC: `127.0.0.1:${server.ports.grpc}`,
        NEREID_IMAGE: IMAGE,
      });
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
