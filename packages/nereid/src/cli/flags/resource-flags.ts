import { BOOLEAN, BYTE_SIZE, FLOAT, flag, integer, numberPair, oneOf, STRING, STRINGS } from './kinds.ts';
import { NO_SETTINGS, RATE_LIMIT_RESOURCES, type RateLimitResource, settings } from './settings.ts';
import { TRACE_LEVELS } from './trace-settings.ts';

const NO_GPU = 'no GPU is used';
const NO_RESOURCES: readonly RateLimitResource[] = [];
const NO_TEXTS: readonly string[] = [];

const renamed = (name: string, advice: string) => () =>
  `'--${name}' has been deprecated and will be removed in future releases. Please use '--trace-config ${advice} instead.`;

/** Cache, rate limiter, memory, devices, and flags that have a newer name. */
export const RESOURCE_FLAGS = {
  'cache-config': flag({
    group: 'Response Cache',
    kind: settings({
      owner: '<cache name>',
      ownerless: false,
      missingOwner: 'No cache specified. ',
    }),
    default: NO_SETTINGS,
    defaultText: 'no cache',
    help: 'Setting of a response cache: local,size=1048576 keeps answers in up to that many bytes of memory.',
  }),
  'cache-directory': flag({
    group: 'Response Cache',
    kind: STRING,
    default: '/opt/tritonserver/caches',
    help: 'Where shared libraries of caches are.',
    ignored: 'the local cache is part of the program',
  }),

  'rate-limit': flag({
    group: 'Rate Limiter',
    kind: oneOf('off', 'execution_count'),
    default: 'off',
    help: 'execution_count: an instance runs when its resources are free, in the order of priority and of runs so far. off: when it is free.',
  }),
  'rate-limit-resource': flag({
    group: 'Rate Limiter',
    kind: RATE_LIMIT_RESOURCES,
    default: NO_RESOURCES,
    defaultText: 'the most that one instance asks for',
    help: 'Units of a resource there are: <name>:<count>, or <name>:<count>:<device>. May be given several times.',
  }),

  'pinned-memory-pool-byte-size': flag({
    group: 'Memory and devices',
    kind: BYTE_SIZE,
    default: 256 * 1024 * 1024,
    help: 'Bytes of pinned memory.',
    ignored: NO_GPU,
  }),
  'cuda-memory-pool-byte-size': flag({
    group: 'Memory and devices',
    kind: numberPair(':'),
    default: undefined,
    defaultText: '64 MiB a device',
    help: 'Bytes of CUDA memory on a device.',
    ignored: NO_GPU,
  }),
  'cuda-virtual-address-size': flag({
    group: 'Memory and devices',
    kind: numberPair(':'),
    default: undefined,
    defaultText: '1 GiB a device',
    help: 'Bytes of CUDA address space for implicit state.',
    ignored: NO_GPU,
  }),
  'min-supported-compute-capability': flag({
    group: 'Memory and devices',
    kind: FLOAT,
    default: 6,
    help: 'CUDA compute capability a GPU must have.',
    ignored: NO_GPU,
  }),
  'buffer-manager-thread-count': flag({
    group: 'Memory and devices',
    kind: integer(),
    default: 0,
    help: 'Threads that copy tensors.',
    ignored: 'tensors are not copied',
  }),
  'host-policy': flag({
    group: 'Memory and devices',
    kind: settings({ owner: '<policy name>', ownerless: false, quoted: true }),
    default: NO_SETTINGS,
    defaultText: 'none',
    help: 'Setting of a host policy (numa-node, cpu-cores).',
    ignored: 'memory and threads are left to the system; start the server under taskset or numactl',
  }),
  'model-load-gpu-limit': flag({
    group: 'Memory and devices',
    kind: numberPair(':'),
    default: undefined,
    defaultText: 'none',
    help: "Share of a GPU's memory beyond which models are refused.",
    ignored: NO_GPU,
  }),
  'allow-client-shm': flag({
    group: 'Shared Memory',
    kind: BOOLEAN,
    default: false,
    help: 'Clients on this machine may pass tensors through POSIX shared memory (docs/security.md says what that trusts them with).',
  }),
  'client-shm-access': flag({
    group: 'Shared Memory',
    kind: oneOf('mapped', 'copied'),
    default: 'mapped',
    help: "mapped: tensors are read where they are. copied: tensors are copied in and out, so that no client's memory can bring the server down.",
  }),
  'client-shm-key-prefix': flag({
    group: 'Shared Memory',
    kind: STRINGS,
    default: NO_TEXTS,
    defaultText: 'any',
    help: 'What keys of regions have to begin with. May be given several times.',
  }),

  'strict-model-config': flag({
    group: 'Deprecated',
    kind: BOOLEAN,
    default: false,
    help: 'true is --disable-auto-complete-config.',
    deprecated: () =>
      "'--strict-model-config' has been deprecated! Please use '--disable-auto-complete-config' instead.",
  }),
  'response-cache-byte-size': flag({
    group: 'Deprecated',
    kind: BYTE_SIZE,
    default: 0,
    help: 'Same as --cache-config=local,size=<integer>.',
    deprecated: (text) =>
      "'--response-cache-byte-size' has been deprecated! This will default to the 'local' cache implementation with the provided " +
      "byte size for its config. Please use '--cache-config' instead. The equivalent --cache-config CLI args would be: " +
      `'--cache-config=local,size=${text}'`,
  }),
  'trace-file': flag({
    group: 'Deprecated',
    kind: STRING,
    default: '',
    help: 'Same as --trace-config triton,file=<string>.',
    deprecated: renamed('trace-file', 'triton,file=<filepath>'),
  }),
  'trace-level': flag({
    group: 'Deprecated',
    kind: TRACE_LEVELS,
    default: NO_TEXTS,
    help: 'Same as --trace-config level=<string>.',
    deprecated: renamed('trace-level', 'level=<OFF|TIMESTAMPS|TENSORS>'),
  }),
  'trace-rate': flag({
    group: 'Deprecated',
    kind: integer(),
    default: 1000,
    help: 'Same as --trace-config rate=<integer>.',
    deprecated: renamed('trace-rate', 'rate=<rate value>'),
  }),
  'trace-count': flag({
    group: 'Deprecated',
    kind: integer(),
    default: -1,
    help: 'Same as --trace-config count=<integer>.',
    deprecated: renamed('trace-count', 'count=<count value>'),
  }),
  'trace-log-frequency': flag({
    group: 'Deprecated',
    kind: integer(),
    default: 0,
    help: 'Same as --trace-config triton,log-frequency=<integer>.',
    deprecated: renamed('trace-log-frequency', 'triton,log-frequency=<log frequency value>'),
  }),
} as const;
