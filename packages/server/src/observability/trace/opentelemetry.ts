import { setTimeout as delay } from 'node:timers/promises';
import { StatusError } from '@nereid/protocol';
import type { Context, HrTime, Span, Tracer } from '@opentelemetry/api';
import type { BasicTracerProvider, ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger, RequestTrace, TraceHeaders, TraceMark } from '../../inference/index.ts';
import { activities, computeActivities, type NumberTraces } from './trace-text.ts';

const SCOPE = 'nereid';
const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
/** A collector that is away is said this often. */
const COMPLAINT_INTERVAL_MS = 60_000;
/** The server's stop waits no longer for a collector. */
const CLOSE_TIMEOUT_MS = 2_000;

interface Libraries {
  readonly api: typeof import('@opentelemetry/api');
  readonly core: typeof import('@opentelemetry/core');
  readonly sdk: typeof import('@opentelemetry/sdk-trace-base');
  readonly resources: typeof import('@opentelemetry/resources');
  readonly otlp: typeof import('@opentelemetry/exporter-trace-otlp-http');
}

/**
 * Sends traces as OpenTelemetry spans over OTLP/HTTP, with Triton's names: a span `InferRequest` for the request, below it one for the model, below
 * that `compute`; a step of an ensemble is a span below the ensemble's. The libraries are loaded only when this mode is asked for.
 */
export class OpenTelemetryOutput {
  readonly #libraries: Libraries;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  /** From monotonic nanoseconds to those since the epoch. */
  readonly #epochNs = BigInt(Date.now()) * NS_PER_MS - process.hrtime.bigint();

  private constructor(libraries: Libraries, provider: BasicTracerProvider) {
    this.#libraries = libraries;
    this.#provider = provider;
    this.#tracer = provider.getTracer(SCOPE);
  }

  /**
   * `settings`: `url` of the collector, `resource` (`key=value`, with commas between them), `bsp_max_queue_size`, `bsp_schedule_delay` (ms),
   * `bsp_max_export_batch_size`; environment variables of OpenTelemetry for what is not given. Throws StatusError INVALID_ARG.
   */
  static async load(settings: ReadonlyMap<string, string>, log: Logger): Promise<OpenTelemetryOutput> {
    const url = settings.get('url');
    if (url !== undefined && !URL.canParse(url)) throw invalid('url', url);
    const limits = {
      ...whole(settings, 'bsp_max_queue_size', 'maxQueueSize'),
      ...whole(settings, 'bsp_schedule_delay', 'scheduledDelayMillis'),
      ...whole(settings, 'bsp_max_export_batch_size', 'maxExportBatchSize'),
    };
    const attributes = { 'service.name': SCOPE, ...resourceAttributes(settings.get('resource')) };
    const [api, core, sdk, resources, otlp] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/core'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
    const exporter = new otlp.OTLPTraceExporter(url === undefined ? {} : { url });
    const provider = new sdk.BasicTracerProvider({
      resource: resources.defaultResource().merge(resources.resourceFromAttributes(attributes)),
      sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
      spanProcessors: [new sdk.BatchSpanProcessor(complaining(exporter, log), limits)],
    });
    return new OpenTelemetryOutput({ api, core, sdk, resources, otlp }, provider);
  }

  add(trace: RequestTrace, headers: TraceHeaders, nextId: NumberTraces): void {
    const { api, core } = this.#libraries;
    const parent = new core.W3CTraceContextPropagator().extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter);
    const marks = trace.marks.toSorted((a, b) => a.ns - b.ns);
    const startNs = marks[0]?.ns ?? trace.startNs;
    const root = this.#span('InferRequest', startNs, parent);
    this.#events(root, marks);
    if (trace.startNs > 0) this.#model(trace, 0, api.trace.setSpan(parent, root), nextId);
    root.end(this.#time(Math.max(marks.at(-1)?.ns ?? 0, trace.endNs, startNs)));
  }

  /** Sends what is left, if the collector takes it soon. */
  async close(): Promise<void> {
    const sent = this.#provider.shutdown().catch(() => {});
    await Promise.race([sent, delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  #model(trace: RequestTrace, parentId: number, context: Context, nextId: NumberTraces): void {
    const { api } = this.#libraries;
    const id = nextId();
    const span = this.#span(trace.modelName, trace.startNs, context);
    span.setAttributes({
      'triton.model_name': trace.modelName,
      'triton.model_version': trace.modelVersion,
      'triton.trace_id': id,
      'triton.trace_parent_id': parentId,
      ...(trace.requestId === '' ? {} : { 'triton.request_id': trace.requestId }),
      ...(trace.step < 0 ? {} : { 'nereid.ensemble_step': trace.step }),
    });
    const below = api.trace.setSpan(context, span);
    const compute = computeActivities(trace);
    this.#events(
      span,
      activities(trace).filter(({ name }) => !name.startsWith('COMPUTE_')),
    );
    if (compute.length > 0) {
      const computeSpan = this.#span('compute', trace.computeStartNs, below);
      this.#events(computeSpan, compute);
      computeSpan.end(this.#time(trace.endNs));
    }
    for (const child of trace.children) if (child.startNs > 0) this.#model(child, id, below, nextId);
    if (trace.failed) span.setStatus({ code: api.SpanStatusCode.ERROR });
    span.end(this.#time(Math.max(trace.endNs, trace.startNs)));
  }

  #span(name: string, startNs: number, context: Context): Span {
    const kind = this.#libraries.api.SpanKind.SERVER;
    return this.#tracer.startSpan(name, { kind, startTime: this.#time(startNs) }, context);
  }

  #events(span: Span, marks: readonly TraceMark[]): void {
    for (const { name, ns } of marks) span.addEvent(name, this.#time(ns));
  }

  #time(ns: number): HrTime {
    const epochNs = BigInt(Math.round(ns)) + this.#epochNs;
    return [Number(epochNs / NS_PER_S), Number(epochNs % NS_PER_S)];
  }
}

/** An exporter that says in the log, now and then, that spans are lost. */
function complaining(exporter: SpanExporter, log: Logger): SpanExporter {
  let complainedMs = Number.NEGATIVE_INFINITY;
  const complain = (reason: string): void => {
    if (performance.now() - complainedMs < COMPLAINT_INTERVAL_MS) return;
    complainedMs = performance.now();
    log.warning(`failed to send traces to the OpenTelemetry collector: ${reason}`, 'tracer.cc');
  };
  return {
    export: (spans: ReadableSpan[], done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0) complain(result.error?.message ?? 'no reason is given');
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

function whole<Name extends string>(
  settings: ReadonlyMap<string, string>,
  setting: string,
  name: Name,
): { [Key in Name]?: number } {
  const text = settings.get(setting);
  if (text === undefined) return {};
  if (!/^\d{1,9}$/.test(text)) throw invalid(setting, text);
  return { [name]: Number(text) } as { [Key in Name]?: number };
}

function resourceAttributes(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) throw invalid('resource', text);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function invalid(setting: string, value: string): StatusError {
  return new StatusError('INVALID_ARG', `--trace-config opentelemetry,${setting}: invalid value '${value}'`);
}
