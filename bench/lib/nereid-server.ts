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
    args: [
      LAUNCHER,
      'serve',
      `--model-repository=${repository}`,
      '--http-address=127.0.0.1',
      '--http-port=0',
      '--allow-grpc=false',
      '--allow-metrics=false',
      ...flags,
    ],
    portPattern: /Started HTTPService at [^\s"]*?:(\d+)/,
    pinned,
    env,
  });
}
