import { type ChildCommand, portOrAny, startCommand } from './child-command.ts';

/** What a client's environment needs, by the names of its variables. */
export interface HostEnvironment {
  readonly AWS_ENDPOINT_URL: string;
  readonly AWS_DEFAULT_REGION: string;
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
}

export interface HostProcess extends ChildCommand {
  readonly clientEnvironment: HostEnvironment;
}

export interface HostProcessOptions {
  /** The file that holds the command. */
  readonly entryPoint: string;
  readonly dataDirectory: string;
  readonly logPath: string;
  /** Default 9000, or a free one when that is taken. */
  readonly port?: number | undefined;
}

const USUAL_PORT = 9000;

/** Starts `nereid host` with a pair of keys of its own. */
export async function startHost({
  entryPoint,
  dataDirectory,
  logPath,
  port,
}: HostProcessOptions): Promise<HostProcess> {
  const told = new Map<string, string>();
  const host = await startCommand({
    entryPoint,
    args: ['host', `--port=${port ?? (await portOrAny(USUAL_PORT))}`, `--data-dir=${dataDirectory}`],
    // The user's own keys are not for this host.
    environment: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    logPath,
    readAddress: (line) => {
      const [, name = '', value = ''] = /^ {2}export (AWS_\w+)=(\S+)$/.exec(line) ?? [];
      told.set(name, value);
      return environmentFrom(told);
    },
  });
  return { ...host, clientEnvironment: host.address };
}

function environmentFrom(told: ReadonlyMap<string, string>): HostEnvironment | undefined {
  const [AWS_ENDPOINT_URL, AWS_DEFAULT_REGION] = [told.get('AWS_ENDPOINT_URL'), told.get('AWS_DEFAULT_REGION')];
  const [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY] = [told.get('AWS_ACCESS_KEY_ID'), told.get('AWS_SECRET_ACCESS_KEY')];
  if (!AWS_ENDPOINT_URL || !AWS_DEFAULT_REGION || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return { AWS_ENDPOINT_URL, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
}
