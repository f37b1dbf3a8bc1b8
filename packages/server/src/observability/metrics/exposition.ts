/** Labels in the order in which they are printed. */
export type Labels = readonly (readonly [name: string, value: string])[];

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

/** Prints families in Prometheus' text format 0.0.4, without those that have no samples. */
export function printMetrics(families: readonly MetricFamily[]): string {
  return families.map(printFamily).join('');
}

function printFamily({ name, help, type, samples }: MetricFamily): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value }) => `${name}${printLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function printLabels(labels: Labels): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`;
}

/** A model's name or tag must not end the label and begin another one. */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
