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

/** tritonclient's HTTP client against the HTTP port, and the bodies it makes for SageMaker against the container's port. */
export async function runTritonClientSuite(requirements: string): Promise<SuiteResult> {
  const environment = pythonEnvironment(requirements);
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-'));
  try {
    const repository = join(root, 'models');
    writeTestRepository(repository);
    const started = await startServer(
      [
        `--model-repository=${repository}`,
        '--http-address=127.0.0.1',
        '--http-port=0',
        '--metrics-port=0',
        '--grpc-port=0',
        '--allow-sagemaker=true',
        '--sagemaker-port=0',
      ],
      { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'image_ensemble', XDG_CACHE_HOME: join(root, 'cache') },
      ['http', 'sagemaker'],
    );
    if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
    const { server } = started;
    try {
      return await runPythonTests(environment, FOLDER, {
        NEREID_HTTP: `127.0.0.1:${server.ports.http}`,
        NEREID_SAGEMAKER: `127.0.0.1:${server.ports.sagemaker}`,
        NEREID_IMAGE: IMAGE,
      });
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
