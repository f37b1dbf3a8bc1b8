import { type Logger, RequestTrace, type RequestTracer, type TraceHeaders } from '../../inference/index.ts';
import { OpenTelemetryOutput } from './opentelemetry.ts';
import type { TraceSampler } from './sampler.ts';
import { type TraceControl, type TraceSettings, TraceSettingsStore } from './settings.ts';
import { TraceOutput } from './trace-output.ts';
import { hasTraceParent } from './trace-parent.ts';
import { traceText } from './trace-text.ts';

export interface TracerOptions {
  readonly settings?: Partial<TraceSettings> | undefined;
  readonly log: Logger;
}

/** A trace, the settings it was chosen by, and where it comes from. */
class SampledTrace extends RequestTrace {
  readonly sampler: TraceSampler;
  readonly headers: TraceHeaders;

  constructor(sampler: TraceSampler, headers: TraceHeaders) {
    super({ tensors: sampler.settings.levels.includes('TENSORS') });
    this.sampler = sampler;
    this.headers = headers;
  }
}

/** Traces requests as the settings say: into files in Triton's form, or to an OpenTelemetry collector. */
export class Tracer implements RequestTracer {
  readonly #store: TraceSettingsStore;
  readonly #output: TraceOutput;
  readonly #mode: TraceSettings['mode'];
  readonly #log: Logger;
  #openTelemetry: OpenTelemetryOutput | undefined;
  #lastId = 0;

  constructor({ settings, log }: TracerOptions) {
    this.#log = log;
    this.#output = new TraceOutput((error) => {
      log.error(`failed creating trace file: ${error instanceof Error ? error.message : String(error)}`, 'tracer.cc');
    });
    this.#store = new TraceSettingsStore(settings, (sampler) => this.#output.flush(sampler));
    this.#mode = this.#store.settings('').mode;
  }

  get active(): boolean {
    return this.#store.active;
  }

  /** What the trace settings routes show and change. */
  get control(): TraceControl {
    return this.#store;
  }

  /** Loads what the mode needs. Throws StatusError INVALID_ARG for settings of OpenTelemetry that cannot be used. */
  async start(): Promise<void> {
    if (this.#mode !== 'opentelemetry') return;
    this.#openTelemetry ??= await OpenTelemetryOutput.load(this.#store.settings('').openTelemetry, this.#log);
  }

  begin(modelName: string, headers: TraceHeaders): RequestTrace | undefined {
    const sampler = this.#store.sampler(modelName);
    if (!sampler.enabled) return undefined;
    const continues = this.#mode === 'opentelemetry' && hasTraceParent(headers);
    return sampler.sample(continues) ? new SampledTrace(sampler, headers) : undefined;
  }

  end(trace: RequestTrace): void {
    if (!(trace instanceof SampledTrace)) return;
    const timestamps = trace.sampler.settings.levels.includes('TIMESTAMPS');
    if (this.#openTelemetry !== undefined) this.#openTelemetry.add(trace, trace.headers, () => ++this.#lastId);
    else if (this.#mode === 'triton') {
      this.#output.add(
        trace.sampler,
        traceText(trace, timestamps, () => ++this.#lastId),
      );
    }
  }

  /** Writes and sends what is left. */
  async close(): Promise<void> {
    await this.#output.close();
    await this.#openTelemetry?.close();
  }
}
