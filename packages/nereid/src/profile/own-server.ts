import { spawn } from 'node:child_process';

export interface OwnServer {
  readonly url: string;
  stop(): Promise<void>;
}

const LOG_TAIL_BYTES = 4_000;

/** Starts `nereid serve` with one model of a repository, on a free port of this machine. Rejects with the end of its log when it does not start. */
export async function startOwnServer(entryPoint: string, repository: string, model: string): Promise<OwnServer> {
  const child = spawn(
    process.execPath,
    [
      entryPoint,
      'serve',
      `--model-repository=${repository}`,
      '--model-control-mode=explicit',
      `--load-model=${model}`,
      '--http-address=127.0.0.1',
      '--http-port=0',
      '--allow-grpc=false',
      '--allow-metrics=false',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const killChild = () => child.kill();
  process.once('exit', killChild);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => resolve(null));
  });
  void exited.then(() => process.off('exit', killChild));
  let log = '';
  const url = new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-LOG_TAIL_BYTES);
      const address = /Started HTTPService at ([^"\s]+)/.exec(log)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    });
    void exited.then((code) => reject(new Error(`the server exited with code ${code}:\n${log}`)));
  });
  return {
    url: await url,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
