import {
  CredentialsError,
  createHost,
  HostOptionError,
  hostOptionsFrom,
  type RunningHost,
  StoreError,
} from '@nereid/hosting';
import { hostFlags } from '@nereid/hosting/flags';
import { Option } from 'commander';

/** Values by flag name without dashes, as commander collects them under camel-case names. */
export type HostCommandOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** `nereid host`: SageMaker's APIs on one port until SIGINT or SIGTERM. Resolves to the exit code. */
export async function runHost(options: HostCommandOptions): Promise<number> {
  try {
    const host = createHost(hostOptionsFrom(flagValues(options)));
    const running = await host.start();
    for (const line of greeting(running)) console.log(line);
    const signal = await stopSignal();
    console.log(`${signal} received: ending the instances; the endpoints come back at the next start.`);
    await host.stop();
    return 0;
  } catch (error) {
    if (error instanceof HostOptionError || error instanceof CredentialsError || error instanceof StoreError) {
      console.error(`nereid host: ${error.message}`);
      return 1;
    }
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      console.error(`nereid host: ${error.message}. Choose another port with --port, or 0 for a free one.`);
      return 1;
    }
    throw error;
  }
}

/** Commander's names back to the flags': `dataDir` is `data-dir`; `auth: false` is `--no-auth`. */
function flagValues(options: HostCommandOptions): HostCommandOptions {
  return Object.fromEntries(
    hostFlags.map(({ name }) => {
      const option = new Option(`--${name}`);
      const value = options[option.attributeName()];
      return [name, option.negate ? value === false : value];
    }),
  );
}

function greeting({ url, clientEnvironment, keptCredentials }: RunningHost): string[] {
  const lines = [
    `Nereid host: SageMaker, its runtime and S3 at ${url}`,
    '',
    'For clients (boto3, the AWS CLI, the AWS SDKs):',
    '',
  ];
  for (const [name, value] of Object.entries(clientEnvironment)) lines.push(`  export ${name}=${value}`);
  if (keptCredentials !== undefined) {
    const { file, isNew } = keptCredentials;
    lines.push('', isNew ? `The keys were made now and are kept in ${file}.` : `The keys are those kept in ${file}.`);
  }
  return lines;
}

/** Settles with the first SIGINT or SIGTERM; a second one ends the process at once, as it does without a listener. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
