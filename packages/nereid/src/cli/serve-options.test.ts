import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagError, parseFlags } from './flags/index.ts';
import { serveOptions } from './serve-options.ts';

const options = (args: readonly string[], environment: Record<string, string> = {}) =>
  serveOptions(parseFlags(args), environment);

test('the front ends follow their flags', () => {
  const { server } = options(['--model-repository=models']);
  assert.deepEqual([server.http?.host, server.http?.port], ['0.0.0.0', 8000]);
  assert.equal(server.sagemaker, undefined);
  const container = options(['--allow-http=false', '--allow-sagemaker=true'], {
    SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'm',
  }).server;
  assert.equal(container.http, undefined);
  assert.equal(container.sagemaker?.port, 8080);
  assert.equal(container.sagemaker?.settings.defaultModelName, 'm');
});

test('repository options', () => {
  const { repository } = options([
    '--model-repository=a',
    '--model-store=b',
    '--model-control-mode=explicit',
    '--load-model=x',
    '--strict-model-config=true',
    '--import-cache-directory=off',
  ]).server;
  assert.deepEqual(repository.paths, ['a', 'b']);
  assert.deepEqual(repository.startupModels, ['x']);
  assert.equal(repository.autoComplete, false);
  assert.equal(repository.cacheDirectory, undefined);
});

test('translated models are kept in the user cache', () => {
  const directory = (environment: Record<string, string>) => options([], environment).server.repository.cacheDirectory;
  assert.equal(directory({ XDG_CACHE_HOME: '/x' }), '/x/nereid/imports');
  assert.equal(directory({ XDG_CACHE_HOME: '/x', NEREID_CACHE_DIR: '/y' }), '/y/imports');
});

test('the response cache has a size', () => {
  assert.equal(options([]).server.responseCacheBytes, undefined);
  assert.equal(options(['--cache-config=local,size=1048576']).server.responseCacheBytes, 1048576);
  assert.equal(options(['--response-cache-byte-size=5']).server.responseCacheBytes, 5);
});

test('a deprecated flag that loses is told', () => {
  const { warnings } = options(['--strict-model-config=false', '--disable-auto-complete-config']);
  assert.match(warnings.at(-1) ?? '', /^Overriding deprecated '--strict-model-config' from False to True/);
});

for (const [args, message] of [
  [['--load-model=a'], "Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well."],
  [
    ['--cache-config=local,size=1', '--response-cache-byte-size=1'],
    'Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. Please provide one or the other.',
  ],
  [['--cache-config=redis,host=x'], "unable to find cache 'redis': the only one there is is 'local'"],
  [
    ['--grpc-port=8000'],
    'The server cannot listen to HTTP requests and GRPC requests at the same address and port 0.0.0.0:8000',
  ],
  [
    ['--http-address=127.0.0.1', '--metrics-port=8001', '--grpc-port=8001'],
    'The server cannot listen to GRPC requests and metrics requests at the same address and port 0.0.0.0:8001',
  ],
  [
    ['--allow-sagemaker=true', '--sagemaker-safe-port-range=8081-9000'],
    'The server cannot listen to HTTP requests at port 8000, allowed port range is [8081, 9000]',
  ],
  [['--trace-config=level=SOME'], 'Bad option: "--trace-config level".\ninvalid value for trace level option: some'],
] as const) {
  test(`refuses ${args.join(' ')}`, () => {
    assert.throws(() => options(args), new FlagError(message));
  });
}

test('ports that are free ones, or of services that are off, do not collide', () => {
  assert.doesNotThrow(() => options(['--http-port=0', '--metrics-port=0', '--grpc-port=0']));
  assert.doesNotThrow(() => options(['--grpc-port=8000', '--allow-grpc=false']));
  assert.doesNotThrow(() => options(['--http-address=10.0.0.1', '--grpc-address=10.0.0.2', '--grpc-port=8000']));
});

test('trace settings come from the newer flag first', () => {
  const { tracing } = options([
    '--trace-rate=5',
    '--trace-config=rate=7',
    '--trace-config=level=TIMESTAMPS',
    '--trace-config=triton,file=/tmp/t.json',
  ]).server;
  assert.deepEqual([tracing?.rate, tracing?.levels, tracing?.file], [7, ['TIMESTAMPS'], '/tmp/t.json']);
});
