import type { FailureReason } from '../../inference/index.ts';
import type { StepStatistics } from '../step-recorder.ts';
import type { Labels, MetricFamily, Sample } from './exposition.ts';
import { type ModelMetricsSource, modelLabels } from './model-metrics.ts';

interface StepFamily {
  readonly name: string;
  readonly help: string;
  readonly isLatency?: true;
  value(step: StepStatistics): number;
}

const REASONS: readonly FailureReason[] = ['OTHER', 'BACKEND', 'CANCELED', 'REJECTED'];

const micros = (ns: number): number => Math.floor(ns / 1000);

const FAMILIES: readonly StepFamily[] = [
  {
    name: 'nereid_ensemble_step_success',
    help: 'Number of successful requests to the model of an ensemble step',
    value: ({ successCount }) => successCount,
  },
  {
    name: 'nereid_ensemble_step_skipped',
    help: 'Number of executions of an ensemble step that were left out',
    value: ({ skippedCount }) => skippedCount,
  },
  {
    name: 'nereid_ensemble_step_duration_us',
    help: 'Cumulative duration of the successful requests of an ensemble step in microseconds',
    isLatency: true,
    value: ({ requestNs }) => micros(requestNs),
  },
  {
    name: 'nereid_ensemble_step_queue_duration_us',
    help: 'Cumulative queuing duration of an ensemble step in microseconds',
    isLatency: true,
    value: ({ queueNs }) => micros(queueNs),
  },
  {
    name: 'nereid_ensemble_step_compute_input_duration_us',
    help: 'Cumulative compute input duration of an ensemble step in microseconds',
    isLatency: true,
    value: ({ inputNs }) => micros(inputNs),
  },
  {
    name: 'nereid_ensemble_step_compute_infer_duration_us',
    help: 'Cumulative compute inference duration of an ensemble step in microseconds',
    isLatency: true,
    value: ({ inferNs }) => micros(inferNs),
  },
  {
    name: 'nereid_ensemble_step_compute_output_duration_us',
    help: 'Cumulative compute output duration of an ensemble step in microseconds',
    isLatency: true,
    value: ({ outputNs }) => micros(outputNs),
  },
];

/** Families of ensemble steps, labelled by ensemble, version, step and the step's model. */
export function stepFamilies(
  sources: readonly ModelMetricsSource[],
  options: { readonly latencies: boolean },
): MetricFamily[] {
  const steps = sources.flatMap((source) => source.steps.map((step) => ({ source, step })));
  const families = FAMILIES.filter(({ isLatency }) => options.latencies || isLatency !== true).map(
    (family): MetricFamily => ({
      name: family.name,
      help: family.help,
      type: 'counter',
      samples: steps.map(({ source, step }): Sample => ({ labels: labels(source, step), value: family.value(step) })),
    }),
  );
  families.splice(1, 0, {
    name: 'nereid_ensemble_step_failure',
    help: 'Number of failed requests to the model of an ensemble step',
    type: 'counter',
    samples: steps.flatMap(({ source, step }) =>
      REASONS.map((reason) => ({ labels: labels(source, step, reason), value: step.failures[reason] })),
    ),
  });
  return families;
}

function labels(source: ModelMetricsSource, { step, stepModel }: StepStatistics, reason?: FailureReason): Labels {
  return [...modelLabels(source, reason), ['step', String(step)], ['step_model', stepModel]];
}
