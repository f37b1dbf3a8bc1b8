import assert from 'node:assert/strict';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '../test-support/test-host.ts';
import { failureSummary, pruneLogs } from './container-log.ts';
import { CpuAllocator, cpuShare } from './cpu-affinity.ts';
import { containerEnvironment, fillCommand, isRefusedVariable } from './environment.ts';
import { ImageCatalog, imageName } from './images.ts';

test('images are told by their name alone', () => {
  const images = new ImageCatalog(
    ['serve'],
    new Map([
      ['mine', ['python']],
      ['registry/exact:1', ['exact']],
    ]),
  );
  for (const uri of [
    '785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3',
    'nvcr.io/nvidia/tritonserver:24.01-py3',
    'tritonserver',
    'nereid@sha256:00',
  ]) {
    assert.deepEqual(images.resolve(uri), ['serve'], uri);
  }
  assert.deepEqual(images.resolve('host:5000/a/mine:latest'), ['python']);
  assert.deepEqual(images.resolve('registry/exact:1'), ['exact']);
  assert.throws(() => images.resolve('registry/exact:2'), { name: 'ServiceError', code: 'ValidationException' });
  assert.equal(imageName('http://169.254.169.254/latest'), 'latest');
});

test('no variable of a model makes a container load code, and none of the host leaks', () => {
  for (const name of ['LD_PRELOAD', 'NODE_OPTIONS', 'PATH', 'PYTHONPATH', 'AWS_ACCESS_KEY_ID', 'BASH_ENV', 'HOME'])
    assert.ok(isRefusedVariable(name), name);
  const environment = containerEnvironment({
    container: {
      name: 'primary',
      image: 'i',
      environment: { A: '1', LD_PRELOAD: '/evil.so', SAGEMAKER_BIND_TO_PORT: '1' },
      baseDirectory: '/b',
      multiModel: false,
    },
    port: 8123,
    region: 'us-east-1',
    hostEnvironment: { PATH: '/bin', AWS_SECRET_ACCESS_KEY: 's', SECRET: 's' },
    cpus: 2,
  });
  assert.deepEqual(environment, {
    PATH: '/bin',
    A: '1',
    AWS_REGION: 'us-east-1',
    SAGEMAKER_REGION: 'us-east-1',
    SAGEMAKER_BIND_TO_PORT: '8123',
    SAGEMAKER_BIND_TO_ADDRESS: '127.0.0.1',
    SAGEMAKER_SAFE_PORT_RANGE: '8123-8123',
    SAGEMAKER_BASE_DIR: '/b',
    SM_MODEL_DIR: '/b/model',
    SM_NUM_CPUS: '2',
  });
});

test('launch commands are filled in, values are not', () => {
  const container = { name: 'primary', image: 'i', environment: {}, baseDirectory: '/{port}', multiModel: false };
  assert.deepEqual(
    fillCommand(['run', '--port={port}', '{model_dir}', '{other}', '{cpus}'], {
      container,
      port: 1,
      region: 'r',
      hostEnvironment: {},
      cpus: 3,
    }),
    ['run', '--port=1', '/{port}/model', '{other}', '3'],
  );
});

test('cores are shared out evenly and given back', () => {
  assert.deepEqual([cpuShare(8, 1), cpuShare(8, 3), cpuShare(2, 5), cpuShare(4, 0)], [8, 2, 1, 4]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 16 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 10 }),
      (cores, wanted) => {
        const allocator = new CpuAllocator(cores, '/usr/bin/taskset');
        const taken = wanted.map((count) => allocator.take(count));
        for (const [index, { cpus }] of taken.entries()) assert.equal(cpus.length, Math.min(wanted[index] ?? 0, cores));
        for (const one of taken) {
          one.release();
          one.release();
        }
        assert.deepEqual(allocator.take(1).cpus, [0]);
      },
    ),
  );
  const allocator = new CpuAllocator(4, '/usr/bin/taskset');
  const [first, second] = [allocator.take(2), allocator.take(2)];
  assert.deepEqual(
    [first.wrap(['a']), second.wrap(['a'])],
    [
      ['/usr/bin/taskset', '-c', '0,1', 'a'],
      ['/usr/bin/taskset', '-c', '2,3', 'a'],
    ],
  );
  assert.deepEqual(allocator.take(4).wrap(['a']), ['a']);
});

test('the telling lines of a log are found, without terminal codes, in bounds', () => {
  assert.equal(
    failureSummary(['I1 fine', '\u001b[31mE1123 1] no\u001b[0m', '    at x (error.js)', 'I bye'], 100),
    'E1123 1] no',
  );
  assert.equal(failureSummary(['one', 'two', '', 'three'], 100), 'one | two | three');
  assert.equal(failureSummary([`error ${'x'.repeat(5000)}`], 50).length, 50);
  assert.equal(failureSummary([], 50), '');
});

test('of many logs the latest are kept', (t) => {
  const folder = temporaryDirectory(t);
  for (let index = 0; index < 40; index += 1) {
    writeFileSync(join(folder, `i-${index}.log`), '');
    utimesSync(join(folder, `i-${index}.log`), index, index);
  }
  pruneLogs(folder);
  const kept = readdirSync(folder).map((name) => Number(name.slice(2, -4)));
  assert.deepEqual([kept.length, Math.min(...kept)], [30, 10]);
});
