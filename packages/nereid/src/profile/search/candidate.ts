/** What a search changes in a model's configuration. */
export interface Candidate {
  readonly instances: number;
  /** Microseconds of `max_queue_delay_microseconds`; 'off': no dynamic batching. */
  readonly queueDelay: number | 'off';
  readonly preferredBatchSizes: readonly number[];
  /** Threads of the model's own (`intra_op_thread_count`); 'shared': the server's pool. */
  readonly threads: number | 'shared';
}

/** The values to try, by member; the present configuration is tried besides. */
export type SearchSpace = { readonly [Member in keyof Candidate]: readonly Candidate[Member][] };

/** A configuration as `/v2/models/<m>/config` prints it; only what is read or changed. */
export interface ConfigJson {
  readonly [field: string]: unknown;
  readonly max_batch_size?: number;
  readonly backend?: string;
  readonly instance_group?: readonly { readonly count?: number; readonly kind?: string }[];
  readonly dynamic_batching?: {
    readonly preferred_batch_size?: readonly number[];
    readonly max_queue_delay_microseconds?: number;
  };
  readonly sequence_batching?: unknown;
  readonly input?: readonly unknown[];
  readonly output?: readonly unknown[];
  readonly parameters?: Readonly<Record<string, { readonly string_value: string }>>;
}

const THREADS_PARAMETER = 'intra_op_thread_count';
/** Backends whose models run on ONNX Runtime and may have threads of their own. */
const THREADED_BACKENDS: ReadonlySet<string> = new Set(['onnxruntime', 'tensorflow']);

export function candidateOf(config: ConfigJson): Candidate {
  const { dynamic_batching: batching, instance_group: groups = [], parameters = {} } = config;
  return {
    instances: groups.reduce((sum, { count = 1 }) => sum + count, 0) || 1,
    queueDelay: batching === undefined ? 'off' : (batching.max_queue_delay_microseconds ?? 0),
    preferredBatchSizes: batching?.preferred_batch_size ?? [],
    threads: Number(parameters[THREADS_PARAMETER]?.string_value ?? 0) || 'shared',
  };
}

/**
 * The configuration with a candidate's settings; everything else stays. Without dynamic batching it gets the inputs and outputs of the `effective` one:
 * a configuration that leaves them to the server gets dynamic batching from it, too, as in Triton.
 */
export function applyCandidate(config: ConfigJson, candidate: Candidate, effective: ConfigJson): ConfigJson {
  const { dynamic_batching: batching, ...rest } = config;
  const { [THREADS_PARAMETER]: _threads, ...parameters } = config.parameters ?? {};
  const { instances, queueDelay, preferredBatchSizes, threads } = candidate;
  return {
    ...rest,
    instance_group: [{ count: instances, kind: 'KIND_CPU' }],
    ...(queueDelay === 'off'
      ? pick(effective, ['max_batch_size', 'input', 'output'])
      : {
          dynamic_batching: {
            ...batching,
            max_queue_delay_microseconds: queueDelay,
            preferred_batch_size: preferredBatchSizes,
          },
        }),
    parameters:
      threads === 'shared' ? parameters : { ...parameters, [THREADS_PARAMETER]: { string_value: String(threads) } },
  };
}

function pick(config: ConfigJson, fields: readonly (keyof ConfigJson)[]): ConfigJson {
  return Object.fromEntries(fields.flatMap((field) => (config[field] === undefined ? [] : [[field, config[field]]])));
}

/** The part of a space that makes a difference for a model. */
export function restrictSpace(
  space: SearchSpace,
  { max_batch_size: limit = 0, backend = '', ...config }: ConfigJson,
): SearchSpace {
  const batches = limit > 1 && config.sequence_batching === undefined;
  return {
    instances: space.instances,
    queueDelay: batches ? space.queueDelay : [],
    preferredBatchSizes: batches
      ? space.preferredBatchSizes.filter((sizes) => sizes.every((size) => size <= limit))
      : [],
    threads: THREADED_BACKENDS.has(backend) ? space.threads : [],
  };
}

export function describeCandidate({
  instances,
  queueDelay,
  preferredBatchSizes,
  threads,
}: Candidate): Record<string, string> {
  return {
    Instances: String(instances),
    'Queue Delay': queueDelay === 'off' ? 'no batching' : `${queueDelay} us`,
    'Preferred Sizes': preferredBatchSizes.length === 0 ? '-' : preferredBatchSizes.join(' '),
    Threads: String(threads),
  };
}
