import type { ServerApi } from '../server-api.ts';

/** What the server says of a model since it was loaded; times in nanoseconds, sums over requests. */
export interface ServerCounters {
  readonly inferences: number;
  readonly executions: number;
  readonly requests: number;
  readonly failures: number;
  readonly queueNs: number;
  readonly computeInputNs: number;
  readonly computeInferNs: number;
  readonly computeOutputNs: number;
}

/** Averages over the requests of a measurement, in microseconds. */
export interface ServerTimes {
  readonly queueMicros: number;
  readonly computeInputMicros: number;
  readonly computeInferMicros: number;
  readonly computeOutputMicros: number;
  /** Inferences that ran together, on average. */
  readonly batchSize: number;
}

interface Duration {
  readonly count?: number;
  readonly ns?: number;
}

interface StatisticsJson {
  readonly model_stats?: readonly {
    readonly inference_count?: number;
    readonly execution_count?: number;
    readonly inference_stats?: Readonly<Record<string, Duration>>;
  }[];
}

/** Adds up the versions of the model that answer. */
export async function readCounters(api: ServerApi): Promise<ServerCounters> {
  const { model_stats: models = [] } = (await api.get(`${api.modelPath}/stats`)) as StatisticsJson;
  const sum = (value: (model: (typeof models)[number]) => number | undefined) =>
    models.reduce((total, model) => total + (value(model) ?? 0), 0);
  const ns = (name: string) => sum((model) => model.inference_stats?.[name]?.ns);
  return {
    inferences: sum((model) => model.inference_count),
    executions: sum((model) => model.execution_count),
    requests: sum((model) => model.inference_stats?.['success']?.count),
    failures: sum((model) => model.inference_stats?.['fail']?.count),
    queueNs: ns('queue'),
    computeInputNs: ns('compute_input'),
    computeInferNs: ns('compute_infer'),
    computeOutputNs: ns('compute_output'),
  };
}

export function serverTimes(before: ServerCounters, after: ServerCounters): ServerTimes {
  const requests = Math.max(1, after.requests - before.requests);
  const average = (name: 'queueNs' | 'computeInputNs' | 'computeInferNs' | 'computeOutputNs') =>
    (after[name] - before[name]) / requests / 1000;
  return {
    queueMicros: average('queueNs'),
    computeInputMicros: average('computeInputNs'),
    computeInferMicros: average('computeInferNs'),
    computeOutputMicros: average('computeOutputNs'),
    batchSize: (after.inferences - before.inferences) / Math.max(1, after.executions - before.executions),
  };
}
