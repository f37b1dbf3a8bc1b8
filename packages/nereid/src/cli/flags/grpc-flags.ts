import {
  aboveZero,
  BOOLEAN,
  FlagError,
  type FlagGroup,
  type FlagKind,
  flag,
  integer,
  oneOfNamed,
  PATTERN,
  PORT,
  STRING,
} from './kinds.ts';
import { type Restrictions, restrictions } from './settings.ts';

const group: FlagGroup = 'GRPC';
const ONE_LOOP = 'connections are served by an event loop, not by a pool of threads';
const NO_POOL = 'nothing is kept for reuse';
const NO_RESTRICTIONS: Restrictions = new Map();

const INFER_THREADS: FlagKind<number> = {
  argument: '<integer>',
  parse(text, previous, flagName) {
    const value = integer().parse(text, previous, flagName);
    if (value < 2 || value > 128) {
      throw new FlagError('invalid argument for --grpc_infer_thread_count. Must be in the range 2 to 128.');
    }
    return value;
  },
};

export const GRPC_FLAGS = {
  'allow-grpc': flag({ group, kind: BOOLEAN, default: true, help: 'Listen for gRPC requests.' }),
  'grpc-address': flag({
    group,
    kind: STRING,
    default: '0.0.0.0',
    help: 'Address the gRPC server listens at.',
  }),
  'grpc-port': flag({ group, kind: PORT, default: 8001, help: 'Port of the gRPC server.' }),
  'reuse-grpc-port': flag({
    group,
    kind: BOOLEAN,
    default: false,
    help: 'Several servers may listen at the same gRPC port.',
  }),
  'grpc-header-forward-pattern': flag({
    group,
    kind: PATTERN,
    default: '',
    help: 'Regular expression: metadata whose name matches becomes parameters of the inference request.',
  }),
  'grpc-infer-thread-count': flag({
    group,
    kind: INFER_THREADS,
    default: 2,
    help: 'Threads that handle inference, 2 to 128.',
    ignored: ONE_LOOP,
  }),
  'grpc-infer-allocation-pool-size': flag({
    group,
    kind: integer(),
    default: 8,
    help: 'Request and response objects kept for reuse.',
    ignored: NO_POOL,
  }),
  'grpc-max-response-pool-size': flag({
    group,
    kind: aboveZero(integer()),
    default: 2 ** 31 - 1,
    defaultText: 'no limit',
    help: 'Response objects that may wait to be sent.',
    ignored: NO_POOL,
  }),
  'grpc-use-ssl': flag({ group, kind: BOOLEAN, default: false, help: 'TLS for gRPC.' }),
  'grpc-use-ssl-mutual': flag({
    group,
    kind: BOOLEAN,
    default: false,
    help: 'TLS for gRPC with client certificates.',
  }),
  'grpc-server-cert': flag({
    group,
    kind: STRING,
    default: '',
    help: "PEM file with the server's certificate.",
  }),
  'grpc-server-key': flag({
    group,
    kind: STRING,
    default: '',
    help: "PEM file with the server's key.",
  }),
  'grpc-root-cert': flag({
    group,
    kind: STRING,
    default: '',
    help: 'PEM file with the root certificate.',
  }),
  'grpc-infer-response-compression-level': flag({
    group,
    // The underscores are Triton's.
    kind: oneOfNamed('grpc_infer_response_compression_level', 'none', 'low', 'medium', 'high'),
    default: 'none',
    help: 'Compression of inference responses.',
  }),
  'grpc-keepalive-time': flag({
    group,
    kind: integer(),
    default: 7_200_000,
    help: 'Milliseconds after which a keep-alive ping is sent.',
  }),
  'grpc-keepalive-timeout': flag({
    group,
    kind: integer(),
    default: 20_000,
    help: 'Milliseconds to wait for its answer.',
  }),
  'grpc-keepalive-permit-without-calls': flag({
    group,
    kind: BOOLEAN,
    default: false,
    help: 'Keep-alive pings also while no call is open.',
  }),
  'grpc-http2-max-pings-without-data': flag({
    group,
    kind: integer(),
    default: 2,
    help: 'Pings sent while there is no data to send; 0 is no limit.',
  }),
  'grpc-http2-min-recv-ping-interval-without-data': flag({
    group,
    kind: integer(),
    default: 300_000,
    help: 'Milliseconds that have to lie between two pings received without data; closer ones are strikes.',
  }),
  'grpc-http2-max-ping-strikes': flag({
    group,
    kind: integer(),
    default: 2,
    help: 'Strikes after which a connection is closed; 0 is no limit.',
  }),
  'grpc-max-connection-age': flag({
    group,
    kind: integer(),
    default: 0,
    defaultText: 'no limit',
    help: 'Milliseconds a connection may exist.',
  }),
  'grpc-max-connection-age-grace': flag({
    group,
    kind: integer(),
    default: 0,
    defaultText: 'no limit',
    help: 'Milliseconds a connection has after it reached its age.',
  }),
  'grpc-restricted-protocol': flag({
    group,
    kind: restrictions('protocol', 'triton-grpc-protocol-'),
    default: NO_RESTRICTIONS,
    defaultText: 'none',
    help: 'Calls that need a metadata entry: <protocols>:<key>=<value>.',
  }),
} as const;
