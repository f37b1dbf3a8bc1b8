// The examples of the client's README run as they stand, against a running server, and print what the README says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BRIGHT_IMAGE, writeModel, writeTestRepository } from '../support/model-repository.ts';
import { type RunningServer, startTestServer } from '../support/running-server.ts';

const README = readFileSync(new URL('../../packages/client/README.md', import.meta.url), 'utf8');
const EXAMPLES = [...README.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
const root = mkdtempSync(join(tmpdir(), 'nereid-examples-'));
let server: RunningServer;

function identity(name: string, types: readonly string[]): string {
  const tensors = (prefix: string) =>
    types.map((type, index) => `{ name: "${prefix}${index}" data_type: TYPE_${type} dims: [ -1 ] }`).join(', ');
  return `name: "${name}" backend: "identity" input [ ${tensors('INPUT')} ] output [ ${tensors('OUTPUT')} ]`;
}

before(async () => {
  const models = join(root, 'models');
  writeTestRepository(models);
  const types = ['STRING', 'FP16', 'INT64'];
  writeModel(models, 'all_types', { 'config.pbtxt': identity('all_types', types), '1/keep': '' });
  writeModel(models, 'repeat', { 'config.pbtxt': identity('repeat', ['FP32']), '1/keep': '' });
  writeFileSync(join(root, 'picture.jpg'), BRIGHT_IMAGE);
  server = await startTestServer(
    [`--model-repository=${models}`, '--allow-sagemaker=true', `--import-cache-directory=${join(root, 'imports')}`],
    { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'repeat' },
  );
});

after(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

/** An example with this server's addresses, its imports found from any folder. */
function runnable(example: string): string {
  const grpc = /Started GRPCInferenceService at ([\w.:]+)/.exec(server.log())?.[1] ?? assert.fail(server.log());
  return example
    .replaceAll('http://localhost:8000', server.httpUrl)
    .replaceAll('http://localhost:8080', server.sagemakerUrl!)
    .replaceAll('localhost:8001', grpc)
    .replaceAll(/from '(@nereid\/[\w/]+)'/g, (_, specifier: string) => `from '${import.meta.resolve(specifier)}'`);
}

async function run(path: string): Promise<{ output: string; errors: string }> {
  const child = spawn(process.execPath, [path], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  return { output, errors };
}

for (const [index, example] of EXAMPLES.entries()) {
  const expected = [...example.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line!);
  test(`example ${index + 1} of the README prints ${expected.length} lines`, async () => {
    assert.ok(expected.length > 0, 'an example says what it prints');
    const path = join(root, `example${index}.ts`);
    writeFileSync(path, runnable(example));
    const { output, errors } = await run(path);
    assert.deepEqual(output.trimEnd().split('\n'), expected, errors);
  });
}
