import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../conformance/server-process.ts';
import { writeExampleRepository } from '../../support/example-models.ts';
import { pythonEnvironment, runPythonTests } from '../python-environment.ts';
import { type SuiteResult, Tally } from '../result.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** KServe's own inference clients, for REST and gRPC. Not run where their packages cannot be installed: they are many, and none of them is ours. */
export async function runKserveSuite(): Promise<SuiteResult> {
  const python = installed();
  if (python === undefined) {
    const tally = new Tally('KServe clients');
    tally.notRun('InferenceRESTClient and InferenceGRPCClient', 'kserve cannot be installed here, see above');
    return tally.result();
  }
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-kserve-'));
  try {
    const repository = join(root, 'models');
    writeExampleRepository(repository);
    const started = await startServer(
      [
        `--model-repository=${repository}`,
        '--http-address=127.0.0.1',
        '--http-port=0',
        '--grpc-address=127.0.0.1',
        '--grpc-port=0',
        '--metrics-port=0',
      ],
      { XDG_CACHE_HOME: join(root, 'cache') },
      ['http', 'grpc'],
    );
    if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
    const { server } = started;
    try {
      return await runPythonTests(python, FOLDER, {
        NEREID_HTTP: `127.0.0.1:${server.ports.http}`,
        NEREID_GRPC: `127.0.0.1:${server.ports.grpc}`,
      });
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function installed(): ReturnType<typeof pythonEnvironment> | undefined {
  try {
    return pythonEnvironment(join(FOLDER, 'requirements.txt'));
  } catch {
    return undefined;
  }
}
