import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlagError } from './kinds.ts';
import { names, parseFlags, type SERVE_FLAGS } from './parse.ts';

const value = <Name extends keyof typeof SERVE_FLAGS>(name: Name, ...args: string[]) => parseFlags(args).values[name];

test('without flags every value is its default', () => {
  const { values, given, warnings } = parseFlags([]);
  assert.equal(values['http-port'], 8000);
  assert.equal(values['grpc-port'], 8001);
  assert.equal(values['metrics-port'], 8002);
  assert.equal(values['sagemaker-port'], 8080);
  assert.equal(values['exit-timeout-secs'], 30);
  assert.equal(values['exit-on-error'], true);
  assert.equal(values['allow-sagemaker'], false);
  assert.equal(values['model-control-mode'], 'none');
  assert.deepEqual([given.size, warnings.length], [0, 0]);
});

test('a value follows = or stands alone', () => {
  assert.equal(value('http-port', '--http-port=9000'), 9000);
  assert.equal(value('http-port', '--http-port', '9000'), 9000);
  assert.equal(value('id', '--id', '--odd'), '--odd');
  assert.equal(value('id', '--id=a=b'), 'a=b');
});

test('booleans have six spellings in any case', () => {
  for (const text of ['true', 'on', '1', 'TRUE', 'On'])
    assert.equal(value('strict-readiness', `--strict-readiness=${text}`), true);
  for (const text of ['false', 'off', '0', 'False'])
    assert.equal(value('strict-readiness', `--strict-readiness=${text}`), false);
});

test('names may be shortened while they are unambiguous', () => {
  assert.equal(value('metrics-interval-ms', '--metrics-i=5'), 5);
  assert.throws(() => parseFlags(['--http-p=1', '--http-=2']), {
    message: /option '--http-' is ambiguous; possibilities: '--http-address' '--http-port'/,
  });
});

test('repeatable flags add up', () => {
  assert.deepEqual(value('model-repository', '--model-repository=a', '--model-repository', 'b'), ['a', 'b']);
  const settings = value(
    'backend-config',
    '--backend-config=default-max-batch-size=4',
    '--backend-config=onnxruntime,a=b=c',
  );
  assert.deepEqual(
    [...settings].map(([name, own]) => [name, ...own]),
    [
      ['', ['default-max-batch-size', '4']],
      ['onnxruntime', ['a', 'b=c']],
    ],
  );
});

test('restricted routes name their header', () => {
  const restricted = value(
    'http-restricted-api',
    '--http-restricted-api=health,metadata:key=secret',
    '--http-restricted-api=trace:k=v',
  );
  assert.deepEqual([...restricted.keys()], ['health', 'metadata', 'trace']);
  assert.deepEqual(restricted.get('health'), { header: 'key', value: 'secret' });
});

test('pairs and levels', () => {
  assert.deepEqual(value('sagemaker-safe-port-range', '--sagemaker-safe-port-range=8081-9000'), [8081, 9000]);
  assert.deepEqual(
    ['true', 'FALSE', '3'].map((text) => value('log-verbose', `--log-verbose=${text}`)),
    [1, 0, 3],
  );
  assert.deepEqual(value('rate-limit-resource', '--rate-limit-resource=R1:10', '--rate-limit-resource=R2:5:1'), [
    { name: 'R1', count: 10, device: undefined },
    { name: 'R2', count: 5, device: 1 },
  ]);
});

for (const [args, message] of [
  [['--nope=1'], "nereid serve: unrecognized option '--nope=1'"],
  [['-x'], "nereid serve: unrecognized option '-x'"],
  [['--http-port'], "nereid serve: option '--http-port' requires an argument"],
  [
    ['--disable-auto-complete-config=true'],
    "nereid serve: option '--disable-auto-complete-config' doesn't allow an argument",
  ],
  [['--id=a', 'models'], 'Unexpected argument: models'],
  [['--', '--id=a'], 'Unexpected argument: --id=a'],
  [['--http-port=abc'], 'Bad option: "--http-port".\nInvalid option value. Got abc'],
  [['--http-port=1.5'], 'Bad option: "--http-port".\nInvalid option value. Got 1.5'],
  [['--model-repository='], 'Bad option: "--model-repository".\nError: empty argument for --model-repository'],
  [
    ['--http-header-forward-pattern=('],
    'Bad option: "--http-header-forward-pattern".\nError: --http-header-forward-pattern is no regular expression: Invalid regular expression: /(/i: Unterminated group',
  ],
  [['--http-port=70000'], 'Bad option: "--http-port".\nProvided option value is out of bound. Got 70000'],
  [
    ['--exit-timeout-secs=99999999999'],
    'Bad option: "--exit-timeout-secs".\nProvided option value is out of bound. Got 99999999999',
  ],
  [['--allow-http=yes'], 'Bad option: "--allow-http".\ninvalid value for bool option: yes'],
  [['--model-control-mode=all'], 'Bad option: "--model-control-mode".\ninvalid argument for --model-control-mode'],
  [['--log-format=iso8601'], 'Bad option: "--log-format".\ninvalid argument for --log-format'],
  [
    ['--http-max-input-size=0'],
    'Bad option: "--http-max-input-size".\nError: --http-max-input-size must be greater than 0.',
  ],
  [
    ['--grpc-max-response-pool-size=0'],
    'Bad option: "--grpc-max-response-pool-size".\nError: --grpc-max-response-pool-size must be greater than 0.',
  ],
  [
    ['--grpc-infer-response-compression-level=best'],
    'Bad option: "--grpc-infer-response-compression-level".\ninvalid argument for --grpc_infer_response_compression_level',
  ],
  [
    ['--host-policy=numa-node=0'],
    'Bad option: "--host-policy".\n--host-policy option format is \'<policy name>,<setting>=<value>\'. Got numa-node=0',
  ],
  [['--trace-level=all'], 'Bad option: "--trace-level".\ninvalid value for trace level option: all'],
  [
    ['--trace-config=Zipkin,level'],
    'Bad option: "--trace-config".\ninvalid value for trace mode option: zipkin. Available options are "triton" and "opentelemetry"',
  ],
  [
    ['--trace-config=,rate=1'],
    'Bad option: "--trace-config".\nNo trace mode specified. --trace-config option format is <trace mode>,<setting>=<value> or <setting>=<value>. Got ,rate=1',
  ],
  [
    ['--trace-config=triton,file'],
    'Bad option: "--trace-config".\n--trace-config option format is \'<trace mode>,<setting>=<value>\'. Got triton,file',
  ],
  [['--model-config-name='], 'Bad option: "--model-config-name".\nError: empty argument for --model-config-name'],
  [
    ['--grpc-infer-thread-count=1'],
    'Bad option: "--grpc-infer-thread-count".\ninvalid argument for --grpc_infer_thread_count. Must be in the range 2 to 128.',
  ],
  [
    ['--backend-config=,a=b'],
    'Bad option: "--backend-config".\nNo backend specified. --backend-config option format is <backend name>,<setting>=<value> or <setting>=<value>. Got ,a=b',
  ],
  [
    ['--cache-config=size=5'],
    'Bad option: "--cache-config".\nNo cache specified. --cache-config option format is <cache name>,<setting>=<value>. Got size=5',
  ],
  [
    ['--cache-config=local,size'],
    'Bad option: "--cache-config".\n--cache-config option format is \'<cache name>,<setting>=<value>\'. Got local,size',
  ],
  [['--http-restricted-api=nope:a=b'], 'Bad option: "--http-restricted-api".\nunknown restricted api \'nope\' '],
  [
    ['--http-restricted-api=trace:a=b', '--http-restricted-api=trace:c=d'],
    'Bad option: "--http-restricted-api".\nrestricted api \'trace\' can not be specified in multiple config groups',
  ],
  [
    ['--rate-limit-resource=R'],
    "Bad option: \"--rate-limit-resource\".\n--rate-limit-resource option format is '<resource_name>:<count>:<device>' or '<resource_name>:<count>'. Got R",
  ],
] as const) {
  test(`refuses ${args.join(' ')}`, () => {
    assert.throws(() => parseFlags(args), new FlagError(message));
  });
}

test('deprecated flags work and say so', () => {
  const { values, warnings } = parseFlags(['--strict-model-config=true', '--trace-rate=5']);
  assert.equal(values['strict-model-config'], true);
  assert.equal(values['trace-rate'], 5);
  assert.deepEqual(
    warnings[0],
    "'--strict-model-config' has been deprecated! Please use '--disable-auto-complete-config' instead.",
  );
  assert.equal(warnings.length, 2);
});

test('flags without effect and flags that turn something off are worth no warning', () => {
  assert.deepEqual(
    parseFlags(['--allow-client-shm=false', '--allow-grpc=false', '--grpc-port=0', '--pinned-memory-pool-byte-size=5'])
      .warnings,
    [],
  );
});

test('help is asked for anywhere', () => {
  assert.equal(parseFlags(['--id=a', '--help']).help, true);
  assert.equal(parseFlags(['-h']).help, true);
});

test('no flag name shadows what every object has', () => {
  assert.throws(() => parseFlags(['--constructor=1']), { message: /unrecognized option/ });
  assert.throws(() => parseFlags(['--__proto__=1']), { message: /unrecognized option/ });
  assert.equal(new Set(names()).size, names().length);
});
