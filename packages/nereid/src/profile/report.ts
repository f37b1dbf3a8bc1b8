import type { Measurement } from './measurement/measure.ts';

/** A measurement and the load it was taken under. */
export interface ReportRow {
  /** Concurrency, or requests a second. */
  readonly load: number;
  /** What was tried, by column; empty without a search. */
  readonly settings: Readonly<Record<string, string>>;
  readonly measurement: Measurement;
}

export type LoadKind = 'Concurrency' | 'Request Rate';

/** The columns of perf_analyzer's CSV for HTTP, in its order; times in whole microseconds. Settings of a search come in front. */
export function renderCsv(kind: LoadKind, rows: readonly ReportRow[]): string {
  const percentiles = columnsOf(rows);
  const settings = Object.keys(rows[0]?.settings ?? {});
  const header = [
    ...settings,
    kind,
    'Inferences/Second',
    'Client Send',
    'Network+Server Send/Recv',
    'Server Queue',
    'Server Compute Input',
    'Server Compute Infer',
    'Server Compute Output',
    'Client Recv',
    ...percentiles.map((percentage) => `p${percentage} latency`),
  ];
  const lines = rows.map(({ load, settings: values, measurement: { inferencesPerSecond, latency, server } }) => {
    const { queueMicros, computeInputMicros, computeInferMicros, computeOutputMicros } = server;
    const inServer = queueMicros + computeInputMicros + computeInferMicros + computeOutputMicros;
    return [
      ...settings.map((name) => quote(values[name] ?? '')),
      load,
      inferencesPerSecond.toFixed(2),
      // Sending and receiving overlap with the server's work here and are part of the network's share.
      0,
      micros(Math.max(0, latency.averageMicros - inServer)),
      micros(queueMicros),
      micros(computeInputMicros),
      micros(computeInferMicros),
      micros(computeOutputMicros),
      0,
      ...percentiles.map((percentage) => micros(latency.percentiles.get(percentage) ?? Number.NaN)),
    ].join(',');
  });
  return `${[header.join(','), ...lines].join('\n')}\n`;
}

/** A table for people: latencies in milliseconds. */
export function renderTable(kind: LoadKind, rows: readonly ReportRow[]): string {
  const percentiles = columnsOf(rows);
  const settings = Object.keys(rows[0]?.settings ?? {});
  const header = [
    ...settings,
    kind.toLowerCase(),
    'infer/s',
    'avg ms',
    ...percentiles.map((percentage) => `p${percentage} ms`),
    'queue ms',
    'compute ms',
    'batch',
    '',
  ];
  const lines = rows.map(({ load, settings: values, measurement }) => {
    const { inferencesPerSecond, latency, server, stable, failures } = measurement;
    const compute = server.computeInputMicros + server.computeInferMicros + server.computeOutputMicros;
    const notes = [stable ? '' : 'unstable', failures > 0 ? `${failures} failed` : ''].filter((note) => note !== '');
    return [
      ...settings.map((name) => values[name] ?? ''),
      String(load),
      inferencesPerSecond.toFixed(1),
      millis(latency.averageMicros),
      ...percentiles.map((percentage) => millis(latency.percentiles.get(percentage) ?? Number.NaN)),
      millis(server.queueMicros),
      millis(compute),
      server.batchSize.toFixed(1),
      notes.join(', '),
    ];
  });
  return alignColumns([header, ...lines]);
}

function columnsOf(rows: readonly ReportRow[]): number[] {
  const all = new Set(rows.flatMap(({ measurement }) => [...measurement.latency.percentiles.keys()]));
  return [...all].sort((a, b) => a - b);
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padStart(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function micros(value: number): string {
  return Number.isNaN(value) ? '' : String(Math.round(value));
}

function millis(value: number): string {
  return Number.isNaN(value) ? '-' : (value / 1000).toFixed(2);
}

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
