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

test('a cache that cannot be made is an error of the server, in the words of Triton', () => {
  for (const [args, code, message] of [
    [
      ['--cache-config=redis,host=x'],
      'INVALID_ARG',
      "unable to find 'libtritoncache_redis.so' for cache. Searched: /opt/tritonserver/caches",
    ],
    [
      ['--cache-config=local,size=1', '--cache-config=redis,host=x'],
      'INVALID_ARG',
      'found multiple cache configurations, but only a single cache is currently supported',
    ],
    [
      ['--cache-config=local,host=x'],
      'INVALID_ARG',
      "Failed to initialize LocalCache: config didn't contain a valid 'size' field.",
    ],
    [['--cache-config=local,size=big'], 'INTERNAL', 'Failed to initialize LocalCache: stoull'],
    [['--cache-config=local,size=-1'], 'INTERNAL', 'Failed to initialize LocalCache: failed to allocate buffer'],
  ] as const) {
    assert.throws(() => options(args), { name: 'StatusError', code, message });
  }
});

test('a deprecated flag that loses is told', () => {
  const traces = options(['--trace-rate=1', '--trace-level=OFF', '--trace-config=rate=2', '--trace-config=level=OFF']);
  assert.deepEqual(traces.warnings.slice(-2), [
    "Overriding deprecated '--trace-rate' in favor of provided rate value in --trace-config!",
    "Overriding deprecated '--trace-level' in favor of provided level in --trace-config!",
  ]);
  const openTelemetry = options(['--trace-file=x', '--trace-config=mode=opentelemetry']);
  assert.equal(
    openTelemetry.warnings.at(-1),
    "'--trace-file' is deprecated and will be ignored with opentelemetry tracing mode.",
  );
  const { warnings } = options(['--strict-model-config=false', '--disable-auto-complete-config']);
  assert.match(warnings.at(-1) ?? '', /^Overriding deprecated '--strict-model-config' from False to True/);
});

for (const [args, message] of [
  [['--load-model=a'], "Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well."],
  [
    ['--cache-config=local,size=1', '--response-cache-byte-size=1'],
    'Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. Please provide one or the other.',
  ],
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

test('every level that is given counts', () => {
  const levels = (...args: string[]) => options(args).server.tracing?.levels;
  assert.deepEqual(levels('--trace-config=level=timestamps', '--trace-config=level=TENSORS'), [
    'TIMESTAMPS',
    'TENSORS',
  ]);
  assert.deepEqual(levels('--trace-level=TENSORS', '--trace-level=off'), []);
});

test('the batches of OpenTelemetry have start values', () => {
  const settings = (args: readonly string[], environment = {}) => [
    ...(options(['--trace-config=mode=opentelemetry', ...args], environment).server.tracing?.openTelemetry ?? []),
  ];
  assert.deepEqual(settings(['--trace-config=opentelemetry,bsp_schedule_delay=7'], { OTEL_BSP_MAX_QUEUE_SIZE: '9' }), [
    ['bsp_schedule_delay', '7'],
    ['bsp_max_export_batch_size', '512'],
    ['bsp_max_queue_size', '9'],
  ]);
  assert.throws(
    () => settings(['--trace-config=opentelemetry,bsp_max_queue_size=x']),
    new FlagError('Bad option: "--trace-config opentelemetry,bsp_max_queue_size".\nInvalid option value. Got x'),
  );
  assert.throws(
    () => settings([], { OTEL_BSP_SCHEDULE_DELAY: 'soon' }),
    new FlagError('Bad option: "OTEL_BSP_SCHEDULE_DELAY".\nInvalid option value. Got soon'),
  );
});
