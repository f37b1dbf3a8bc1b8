import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModel } from '@nereid/onnx';
import { LAUNCHER, nereid, temporaryDirectory } from '../support/command.ts';
import { writeModel, writeTestRepository } from '../support/model-repository.ts';

test('help and version', async () => {
  const help = await nereid(['--help']);
  assert.equal(help.exitCode, 0);
  for (const verb of ['serve', 'check', 'import', 'quickstart'])
    assert.match(help.stdout, new RegExp(`^  ${verb}\\b`, 'm'));
  const serveHelp = await nereid(['serve', '--help']);
  assert.equal(serveHelp.exitCode, 0);
  assert.match(serveHelp.stdout, /--model-repository <string>/);
  assert.match((await nereid(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('a command line that makes no sense exits with 2', async () => {
  assert.equal((await nereid(['frobnicate'])).exitCode, 2);
  assert.equal((await nereid(['check'])).exitCode, 2);
  assert.equal((await nereid(['import', 'model.pb'])).exitCode, 2);
});

test('check prints the graph of an ensemble with types and shapes', async (context) => {
  const directory = temporaryDirectory(context);
  writeTestRepository(directory);
  const { exitCode, stdout, stderr } = await nereid(['check', directory]);
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, /INPUT -> encoded +UINT8 \[-1,-1\]/);
  assert.match(stdout, /image -> small_image +FP32 \[-1,4,4,3\]/);
  assert.match(stdout, /small_image -> input +FP32 \[-1,4,4,3\]/);
  assert.match(stdout, /scores\/Softmax -> OUTPUT +FP32 \[-1,2\]/);
});

test('check reports every problem with its place', async (context) => {
  const directory = temporaryDirectory(context);
  writeTestRepository(directory);
  writeModel(directory, 'classifier', { '1/model.graphdef': 'not a graph' });
  writeModel(directory, 'add_sub', {
    'config.pbtxt': 'name: "add_sub"\nplatform: "onnxruntime_onnx"\nmax_batch_sise: 8\n',
  });
  rmSync(join(directory, 'preprocess', '1'), { recursive: true });
  const { exitCode, stdout, stderr } = await nereid(['check', directory]);
  const output = stdout + stderr;
  assert.equal(exitCode, 1, output);
  assert.match(output, /add_sub\/config\.pbtxt:3:1/);
  assert.match(output, /max_batch_sise/);
  assert.match(output, /classifier\/1\/model\.graphdef/);
  assert.match(output, /preprocess/);
});

test('names from the repository cannot forge lines or move the cursor', async (context) => {
  const directory = temporaryDirectory(context);
  writeModel(directory, 'red\u001b[31m', { '1/model.onnx': 'no model' });
  writeModel(directory, 'two\nlines', { '1/model.onnx': 'no model' });
  const { exitCode, stdout } = await nereid(['check', directory]);
  assert.equal(exitCode, 1);
  assert.equal(stdout.includes('\u001b'), false);
  assert.equal(stdout.split('\n').filter((line) => line.startsWith('lines')).length, 0);
  assert.match(stdout, /2 errors/);
});

test('import writes an ONNX model', async (context) => {
  const directory = temporaryDirectory(context);
  writeTestRepository(directory);
  const output = join(directory, 'out.onnx');
  const source = join(directory, 'classifier', '1', 'model.graphdef');
  const { exitCode, stderr } = await nereid(['import', source, '-o', output]);
  assert.equal(exitCode, 0, stderr);
  const { graph } = readModel(readFileSync(output));
  assert.deepEqual(
    graph.inputs.map(({ name }) => name),
    ['input'],
  );
});

test('import says what is wrong with a model', async (context) => {
  const directory = temporaryDirectory(context);
  writeModel(directory, 'bad', { '1/model.graphdef': 'not a graph' });
  const source = join(directory, 'bad', '1', 'model.graphdef');
  const { exitCode, stderr } = await nereid(['import', source, '-o', join(directory, 'out.onnx')]);
  assert.equal(exitCode, 1);
  assert.ok(stderr.includes(source), stderr);
});

test('linked as "serve" the command serves, as in a SageMaker container', (context) => {
  const link = join(temporaryDirectory(context), 'serve');
  symlinkSync(LAUNCHER, link);
  const { status, stderr } = spawnSync(process.execPath, [link, '--nope=1'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /unrecognized option '--nope=1'/);
});
