import {
  BOOLEAN,
  DIRECTORIES,
  flag,
  integer,
  NON_EMPTY_STRING,
  oneOf,
  STRING,
  STRINGS,
  SWITCH,
  VERBOSE_LEVEL,
} from './kinds.ts';
import { NO_SETTINGS, settings } from './settings.ts';

const NO_NAMES: readonly string[] = [];

/** The server as a whole, its log, the model repository and the backends. */
export const SERVING_FLAGS = {
  id: flag({ group: 'Server', kind: STRING, default: 'triton', help: 'Name the server gives itself in its metadata.' }),
  'exit-timeout-secs': flag({
    group: 'Server',
    kind: integer(),
    default: 30,
    help: 'Seconds that requests in flight have to finish after SIGINT or SIGTERM. Then the server exits whether they did or not.',
  }),

  'log-verbose': flag({
    group: 'Logging',
    kind: VERBOSE_LEVEL,
    default: 0,
    help: 'Level of verbose logging; 0 is off, 1 and above log more.',
  }),
  'log-info': flag({ group: 'Logging', kind: BOOLEAN, default: true, help: 'Log at level info.' }),
  'log-warning': flag({ group: 'Logging', kind: BOOLEAN, default: true, help: 'Log at level warning.' }),
  'log-error': flag({ group: 'Logging', kind: BOOLEAN, default: true, help: 'Log at level error.' }),
  'log-format': flag({
    group: 'Logging',
    kind: oneOf('default', 'ISO8601'),
    default: 'default',
    help: 'How a line begins: LMMDD hh:mm:ss.ssssss (default) or YYYY-MM-DDThh:mm:ssZ L (ISO8601), L being the level.',
  }),
  'log-file': flag({
    group: 'Logging',
    kind: STRING,
    default: '',
    help: 'File the log goes to instead of standard error.',
  }),

  'model-repository': flag({
    group: 'Model Repository',
    kind: DIRECTORIES,
    default: NO_NAMES,
    defaultText: 'required',
    help: 'Directory with one folder per model. May be given several times; a model must then be in only one of them.',
  }),
  'model-store': flag({
    group: 'Model Repository',
    kind: DIRECTORIES,
    default: NO_NAMES,
    help: 'Same as --model-repository.',
  }),
  'exit-on-error': flag({
    group: 'Model Repository',
    kind: BOOLEAN,
    default: true,
    help: 'Exit when a model does not load at start. With false the others are served and the index says what went wrong.',
  }),
  'disable-auto-complete-config': flag({
    group: 'Model Repository',
    kind: SWITCH,
    default: false,
    help: 'Take configurations as written: backends complete nothing from the model file.',
  }),
  'strict-readiness': flag({
    group: 'Model Repository',
    kind: BOOLEAN,
    default: true,
    help: '/v2/health/ready means that every model is ready; with false, that the server is.',
  }),
  'model-control-mode': flag({
    group: 'Model Repository',
    kind: oneOf('none', 'poll', 'explicit'),
    default: 'none',
    help:
      'none: load everything at start and nothing after. poll: look for changes every --repository-poll-secs. ' +
      'explicit: load what --load-model names, then what the repository API is asked to.',
  }),
  'repository-poll-secs': flag({
    group: 'Model Repository',
    kind: integer(),
    default: 15,
    help: 'Seconds between two looks at the repository with --model-control-mode=poll.',
  }),
  'load-model': flag({
    group: 'Model Repository',
    kind: STRINGS,
    default: NO_NAMES,
    help: "Model to load at start with --model-control-mode=explicit. May be given several times; '*' alone loads all.",
  }),
  'model-config-name': flag({
    group: 'Model Repository',
    kind: NON_EMPTY_STRING,
    default: '',
    help: 'Read configs/<name>.pbtxt of a model instead of its config.pbtxt, where it has one.',
  }),
  'model-load-thread-count': flag({
    group: 'Model Repository',
    kind: integer(),
    default: 4,
    help: 'Models that load at the same time.',
  }),
  'model-load-retry-count': flag({
    group: 'Model Repository',
    kind: integer(),
    default: 0,
    help: 'Further attempts after a model failed to load.',
  }),
  'model-namespacing': flag({
    group: 'Model Repository',
    kind: BOOLEAN,
    default: false,
    help: 'Models of the same name may be served from different repositories.',
  }),
  'enable-peer-access': flag({
    group: 'Model Repository',
    kind: BOOLEAN,
    default: true,
    help: 'Peer access between GPUs.',
    ignored: 'no GPU is used',
  }),

  'backend-config': flag({
    group: 'Backend',
    kind: settings({ owner: '<backend name>', ownerless: true, missingOwner: 'No backend specified. ' }),
    default: NO_SETTINGS,
    defaultText: 'none',
    help: 'Setting of a backend: --backend-config=onnxruntime,intra_op_thread_count=2; without a name, of all backends.',
  }),
  'backend-directory': flag({
    group: 'Backend',
    kind: STRING,
    default: '/opt/tritonserver/backends',
    help: 'Where shared libraries of backends are.',
    ignored: 'backends are part of the program',
  }),
  'repoagent-directory': flag({
    group: 'Repository Agent',
    kind: STRING,
    default: '/opt/tritonserver/repoagents',
    help: 'Where shared libraries of repository agents are.',
    ignored: 'there are no repository agents',
  }),

  'import-cache-directory': flag({
    group: 'Nereid',
    kind: STRING,
    default: '',
    defaultText: '$XDG_CACHE_HOME/nereid/imports, by default ~/.cache/nereid/imports',
    help: "Where translated models (GraphDef to ONNX, …) are kept by content, so that the next start is quick. 'off' keeps none.",
  }),
} as const;
