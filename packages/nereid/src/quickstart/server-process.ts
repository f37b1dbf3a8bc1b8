import { type ChildCommand, portOrAny, startCommand } from './child-command.ts';

export interface ServerProcess extends ChildCommand {
  /** Of the HTTP front end. */
  readonly baseUrl: string;
}

export interface ServerProcessOptions {
  /** The file that holds the command. */
  readonly entryPoint: string;
  readonly modelRepository: string;
  readonly logPath: string;
}

/** Starts `nereid serve` on the usual ports, or on free ones where those are taken, and waits until its models are loaded. */
export async function startServer({
  entryPoint,
  modelRepository,
  logPath,
}: ServerProcessOptions): Promise<ServerProcess> {
  const args = [
    'serve',
    `--model-repository=${modelRepository}`,
    '--http-address=127.0.0.1',
    `--http-port=${await portOrAny(8000)}`,
    `--grpc-port=${await portOrAny(8001)}`,
    `--metrics-port=${await portOrAny(8002)}`,
  ];
  const server = await startCommand({
    entryPoint,
    args,
    environment: {},
    logPath,
    readAddress: (line) => /Started HTTPService at ([^"\s]+)/.exec(line)?.[1],
  });
  return { ...server, baseUrl: `http://${server.address}` };
}
