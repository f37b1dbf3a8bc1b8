import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHost, type RunningHost } from '@nereid/hosting';
import { hostingScript, packRepository } from 'nereid/quickstart';
import { pythonEnvironment, runPythonTests } from '../python-environment.ts';
import type { SuiteResult } from '../result.ts';
import { type JavaScriptCase, javaScriptCases } from './javascript-sdk.ts';
import { writeRepositories } from './repositories.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const SUPPORT = fileURLToPath(new URL('../../support/', import.meta.url));
const KEYS = { accessKeyId: 'AKIAINTEROP', secretAccessKey: 'interop-secret' };

/** boto3, the AWS CLI, tritonclient and the AWS SDK for JavaScript against a host whose instances are real model servers. */
export async function runHostingSuite(): Promise<SuiteResult> {
  const environment = pythonEnvironment(join(FOLDER, 'requirements.txt'));
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-hosting-'));
  const repositories = join(root, 'repositories');
  writeRepositories(repositories);
  const script = await writeQuickstartScript(root, join(repositories, 'image'));
  const log: string[] = [];
  const host = createHost({
    port: 0,
    dataDirectory: join(root, 'data'),
    accessKey: KEYS.accessKeyId,
    secretKey: KEYS.secretAccessKey,
    writeLog: (line) => void log.push(line),
  });
  try {
    const running = await host.start();
    const variables = { ...pythonVariables(running, repositories), NEREID_QUICKSTART_SCRIPT: script };
    const python = await runPythonTests(environment, FOLDER, variables);
    const settings = { ...KEYS, url: running.url, repositories, brightImage: join(SUPPORT, 'bright.jpg') };
    const javaScript = await runCases(javaScriptCases(settings));
    if (python.failed + javaScript.failed > 0) process.stderr.write(log.join(''));
    return { passed: python.passed + javaScript.passed, failed: python.failed + javaScript.failed };
  } finally {
    await host.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

/** What `nereid quickstart` writes, for a small ensemble. */
async function writeQuickstartScript(root: string, repository: string): Promise<string> {
  const archive = join(root, 'model.tar.gz');
  await packRepository(repository, archive);
  const photograph = join(SUPPORT, 'bright.jpg');
  const script = join(root, 'sagemaker.py');
  writeFileSync(
    script,
    hostingScript({ archive, photograph, defaultModel: 'image_ensemble', key: 'quickstart/model.tar.gz' }),
  );
  return script;
}

function pythonVariables(running: RunningHost, repositories: string): Record<string, string> {
  return {
    ...running.clientEnvironment,
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    // Nothing of the user's own set-up takes part.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_PROXY: '127.0.0.1',
    SAGEMAKER_SUPPRESS_V2_WARNING: '1',
    NEREID_REPOSITORIES: repositories,
    NEREID_BRIGHT_IMAGE: join(SUPPORT, 'bright.jpg'),
    NEREID_DARK_IMAGE: join(SUPPORT, 'dark.jpg'),
  };
}

async function runCases(cases: readonly JavaScriptCase[]): Promise<SuiteResult> {
  let failed = 0;
  for (const { title, run } of cases) {
    try {
      await run();
      process.stderr.write(`AWS SDK for JavaScript: ${title} ... ok\n`);
    } catch (error) {
      failed += 1;
      process.stderr.write(
        `AWS SDK for JavaScript: ${title} ... FAILED\n${error instanceof Error ? error.stack : String(error)}\n`,
      );
    }
  }
  return { passed: cases.length - failed, failed };
}
