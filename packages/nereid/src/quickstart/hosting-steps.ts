import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsSdk, loadAwsSdk, MissingSdkError } from './aws-sdk.ts';
import { classLines } from './class-lines.ts';
import { type HostEnvironment, type HostProcess, startHost } from './host-process.ts';
import { binaryBody, jsonBody } from './infer-client.ts';
import { packRepository } from './model-archive.ts';
import type { Progress } from './progress.ts';
import { hostingScript } from './python-script.ts';
import { BINARY_TYPE, JSON_TYPE, SageMakerClient } from './sagemaker-client.ts';

export interface HostingOptions {
  readonly modelRepository: string;
  /** The ensemble: UINT8 `INPUT` (N, bytes) to FP32 `OUTPUT` (N, classes). */
  readonly defaultModel: string;
  /** Where the archive, the script, the host's data and its log go. */
  readonly directory: string;
  readonly entryPoint: string;
  readonly image: Uint8Array;
  readonly labels: readonly string[];
  /** How a path is shown to the user, ready for a shell. */
  readonly shown: (path: string) => string;
  /** Of the host. Default 9000, or a free one when that is taken. */
  readonly port?: number;
}

const NAME_PREFIX = 'triton-tf-dali-ensemble-';
const KEY = 'tf-dali-ensemble/model.tar.gz';
const TOP_CLASSES = 3;

/**
 * The article's flow against `nereid host`: archive to the store, model, configuration, endpoint, two invocations, all deleted again. Told step
 * by step; the same for Python is written and printed. Resolves to the host, still running; to nothing when the AWS SDK is not installed.
 */
export async function showHosting(progress: Progress, options: HostingOptions): Promise<HostProcess | undefined> {
  progress.line('\nThe same as a SageMaker endpoint: nereid host, spoken to by the AWS SDK for JavaScript\n');
  const sdk = await loadAwsSdk().catch((error: unknown) => {
    if (!(error instanceof MissingSdkError)) throw error;
    progress.line(`  Skipped: ${error.message}`);
    return undefined;
  });
  if (sdk === undefined) return undefined;
  const archive = join(options.directory, 'model.tar.gz');
  await progress.step('model.tar.gz of the model repository', () => packRepository(options.modelRepository, archive));
  const dataDirectory = join(options.directory, 'host');
  await mkdir(dataDirectory, { recursive: true });
  const host = await progress.step('nereid host', () =>
    startHost({
      entryPoint: options.entryPoint,
      dataDirectory,
      logPath: join(options.directory, 'host.log'),
      port: options.port,
    }),
  );
  try {
    await showEndpoint(progress, sdk, host.clientEnvironment, archive, options);
    await showScript(progress, host.clientEnvironment, archive, options);
    return host;
  } catch (error) {
    await host.stop();
    throw error;
  }
}

async function showEndpoint(
  progress: Progress,
  sdk: AwsSdk,
  environment: HostEnvironment,
  archive: string,
  { defaultModel, image, labels }: HostingOptions,
): Promise<void> {
  const client = new SageMakerClient(sdk, environment);
  const name = `${NAME_PREFIX}${timestamp()}`;
  try {
    await client.removeLeftOver(NAME_PREFIX);
    const total = megabytes((await stat(archive)).size);
    const modelDataUrl = await progress.step(`upload in parts, ${total} MB`, (report) =>
      client.upload(archive, KEY, (sentBytes) => report(`${megabytes(sentBytes)} of ${total} MB`)),
    );
    await progress.step('create_model, create_endpoint_config, create_endpoint: InService', () =>
      client.deploy({ name, modelDataUrl, defaultModel }),
    );
    for (const [type, body] of [
      [JSON_TYPE, jsonBody(image)],
      [`${BINARY_TYPE}…`, binaryBody(image)],
    ] as const) {
      const { scores, roundTripMs, requestBytes } = await client.invoke(name, body);
      progress.line(`\n  invoke_endpoint, ${type}`);
      progress.line(`    ${(requestBytes / 1000).toFixed(0)} kB: ${roundTripMs.toFixed(1)} ms`);
      for (const line of classLines(scores, labels, TOP_CLASSES)) progress.line(`    ${line}`);
    }
    progress.line();
    await progress.step('delete_model, delete_endpoint_config, delete_endpoint', () => client.remove(name));
  } finally {
    client.close();
  }
}

/** Writes the photograph and the script, so that the commands work as they are. */
async function showScript(
  progress: Progress,
  environment: HostEnvironment,
  archive: string,
  { directory, image, defaultModel, shown }: HostingOptions,
): Promise<void> {
  const photograph = join(directory, 'photograph.jpg');
  const path = join(directory, 'sagemaker.py');
  const script = hostingScript({ archive, photograph, defaultModel, key: KEY });
  await writeFile(photograph, image);
  await writeFile(path, script);
  const variables = Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`);
  progress.line(`
The same with boto3, while the host runs. Nothing in it knows of this host; the environment does:

${variables.join('\n')}
  python3 ${shown(path)}

${script.replaceAll(/^(?=.)/gm, '  ').trimEnd()}`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** As the article's names end: `2026-01-31-23-59-59`. */
function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
}
