import { fileURLToPath } from 'node:url';
import { type BenchServer, startBenchServer } from './process.ts';

export const LAUNCHER = fileURLToPath(new URL('../../packages/nereid/bin/nereid.mjs', import.meta.url));

/** `nereid serve` on a repository, HTTP only, as users start it. */
export function nereidServer(
  repository: string,
  pinned: boolean,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  return startBenchServer({
    args: serveArguments(repository, ['--http-address=127.0.0.1', '--http-port=0', '--allow-grpc=false', ...flags]),
    portPattern: /Started HTTPService at [^\s"]*?:(\d+)/,
    pinned,
    env,
  });
}

/** The same, gRPC only. */
export function nereidGrpcServer(
  repository: string,
  pinned: boolean,
  env: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  return startBenchServer({
    args: serveArguments(repository, ['--grpc-address=127.0.0.1', '--grpc-port=0', '--allow-http=false']),
    portPattern: /Started GRPCInferenceService at [^\s"]*?:(\d+)/,
    pinned,
    env,
  });
}

function serveArguments(repository: string, flags: readonly string[]): string[] {
  return [LAUNCHER, 'serve', `--model-repository=${repository}`, '--allow-metrics=false', ...flags];
}
