import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ServerProcess, startServer } from '../../conformance/server-process.ts';
import { writeFurtherExamples } from '../../support/example-models.ts';
import { writeAddSub, writeModel } from '../../support/model-repository.ts';
import { pythonEnvironment, runPythonTests } from '../python-environment.ts';
import type { SuiteResult } from '../result.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CERTIFICATES = fileURLToPath(
  new URL('../../../packages/server/src/frontends/grpc/test-support/certificates/', import.meta.url),
);
const TOKEN = 'interop-token-0123456789';
/** `nereid:secret`, as tritonclient's BasicAuth plugin sends it. */
const BASIC = 'Basic bmVyZWlkOnNlY3JldA==';
const SLOW_MODEL_MS = 4000;

/** What `tritonclient` offers around inference: deadlines, cancelling, large tensors, compression, plugins, TLS and client certificates. */
export async function runClientFeaturesSuite(requirements: string): Promise<SuiteResult> {
  const environment = pythonEnvironment(requirements);
  const root = mkdtempSync(join(tmpdir(), 'nereid-interop-features-'));
  const servers: ServerProcess[] = [];
  try {
    const repository = join(root, 'models');
    writeRepository(repository);
    const plain = await start(root, repository, []);
    servers.push(plain);
    const secure = await start(root, repository, secureFlags(root));
    servers.push(secure);
    const guarded = await start(root, repository, [`--http-restricted-api=inference:authorization=${BASIC}`]);
    servers.push(guarded);
    return await runPythonTests(environment, FOLDER, {
      NEREID_HTTP: `127.0.0.1:${plain.ports.http}`,
      NEREID_GRPC: `127.0.0.1:${plain.ports.grpc}`,
      NEREID_METRICS: `127.0.0.1:${plain.ports.metrics}`,
      NEREID_SECURE_HTTP: `127.0.0.1:${secure.ports.http}`,
      NEREID_SECURE_GRPC: `127.0.0.1:${secure.ports.grpc}`,
      NEREID_GUARDED_HTTP: `127.0.0.1:${guarded.ports.http}`,
      NEREID_CERTIFICATES: CERTIFICATES,
      NEREID_TOKEN: TOKEN,
    });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(root, { recursive: true, force: true });
  }
}

function writeRepository(repository: string): void {
  writeAddSub(repository);
  writeFurtherExamples(repository);
  for (const [name, parameters] of [
    ['identity_fp32', ''],
    ['slow_fp32', `parameters { key: "execute_delay_ms" value { string_value: "${SLOW_MODEL_MS}" } }`],
  ] as const) {
    writeModel(repository, name, {
      '1/.keep': '',
      'config.pbtxt': `name: "${name}"
backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
${parameters}
`,
    });
  }
}

/** TLS with client certificates for both protocols, and tokens. */
function secureFlags(root: string): string[] {
  const tokens = join(root, 'tokens.txt');
  writeFileSync(tokens, `${TOKEN}\n`);
  const file = (name: string) => join(CERTIFICATES, name);
  return [
    `--auth-token-file=${tokens}`,
    `--http-tls-cert=${file('server.pem')}`,
    `--http-tls-key=${file('server-key.pem')}`,
    `--http-tls-client-ca=${file('root.pem')}`,
    '--grpc-use-ssl-mutual=true',
    `--grpc-server-cert=${file('server.pem')}`,
    `--grpc-server-key=${file('server-key.pem')}`,
    `--grpc-root-cert=${file('root.pem')}`,
  ];
}

async function start(root: string, repository: string, flags: readonly string[]): Promise<ServerProcess> {
  const started = await startServer(
    [
      `--model-repository=${repository}`,
      '--http-address=127.0.0.1',
      '--http-port=0',
      '--grpc-address=127.0.0.1',
      '--grpc-port=0',
      '--metrics-port=0',
      ...flags,
    ],
    { XDG_CACHE_HOME: join(root, 'cache') },
    ['http', 'grpc', 'metrics'],
  );
  if (!('server' in started)) throw new Error(`nereid serve exited with ${started.exitCode}:\n${started.output}`);
  return started.server;
}
