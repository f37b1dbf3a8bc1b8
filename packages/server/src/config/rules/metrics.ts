import type { ModelConfig } from '@nereid/protocol/model-config';
import { invalid, type Problems } from '../problem.ts';

/** The histograms whose buckets a model sets. */
export function* metricsProblems(config: ModelConfig): Problems {
  for (const [index, control] of (config.modelMetrics?.metricControl ?? []).entries()) {
    const path = ['model_metrics', 'metric_control', index] as const;
    if (!control.metricIdentifier) yield invalid("metric control must specify 'metric_identifier'", ...path);
    else if (control.metricIdentifier.family === '') {
      yield invalid("metric identifier must specify non-empty 'family'", ...path, 'metric_identifier');
    }
    if (control.metricOptions.case !== 'histogramOptions') {
      yield invalid("metric control must specify 'histogram_options'", ...path);
    } else if (control.metricOptions.value.buckets.length === 0) {
      yield invalid("histogram options must specify non-empty 'buckets'", ...path, 'histogram_options');
    }
  }
}

/** Histograms whose buckets a configuration can set. */
const CUSTOMIZABLE_FAMILIES: readonly string[] = ['nv_inference_first_response_histogram_ms'];

/** What Triton warns of when a model loads. */
export function metricsWarnings(config: ModelConfig): string[] {
  const families = (config.modelMetrics?.metricControl ?? []).map((control) => control.metricIdentifier?.family ?? '');
  return families
    .filter((family) => !CUSTOMIZABLE_FAMILIES.includes(family))
    .map((family) => `Metric family '${family}' in 'metric_identifier' is not a customizable metric in Triton core.`);
}
