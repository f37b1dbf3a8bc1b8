import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import {
  type Clock,
  errorResponse,
  type FailureReason,
  type InferenceRequest,
  type InferenceResponse,
  type Logger,
  type ModelHandle,
  type ModelSignature,
  type RequestTimes,
  type ResponseHandler,
  type Scheduler,
} from '../inference/index.ts';
import type { ModelMetricsSource, StatisticsRecorder, StepStatistics } from '../observability/index.ts';
import type { LoadedVersion, ModelLabels } from '../repository/index.ts';
import { type CorrelationControl, checkCorrelationId, correlationControl } from './correlation-id.ts';
import { outputShapeRestorer } from './output-shapes.ts';
import { countFailure, countResponse, countSuccess, traceEnd, traceOutputs, traceStart } from './request-accounting.ts';
import { prepareInputs } from './request-inputs.ts';
import { outputOrder, requestedOutputs } from './requested-outputs.ts';
import { type ResponseCache, responseKey } from './response-cache.ts';
import { type CacheLookup, type RequestOwner, TrackedRequest } from './tracked-request.ts';

export interface ModelVersionParts {
  readonly name: string;
  readonly version: number;
  /** `<repository>/<model>` */
  readonly modelDirectory: string;
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  readonly labels: ModelLabels;
  readonly isEnsemble: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly statistics: StatisticsRecorder;
  /** Given when the server has a cache and the model's configuration asks for it. */
  readonly cache: ResponseCache | undefined;
}

const NO_TIMES: RequestTimes = { requestNs: 0, queueNs: 0, computeInputNs: 0, computeInferNs: 0, computeOutputNs: 0 };

/**
 * One loaded version of a model: checks requests, counts them and hands them to its scheduler. Pinned by the ensembles that are in the middle
 * of using it, so that unloading waits for them.
 */
export class ModelVersion implements LoadedVersion, ModelHandle, RequestOwner {
  readonly name: string;
  readonly version: number;
  readonly config: ModelConfig;
  readonly signature: ModelSignature;
  readonly isEnsemble: boolean;
  readonly decoupled: boolean;
  readonly statistics: StatisticsRecorder;
  readonly handle: ModelHandle = this;
  readonly #labels: ModelLabels;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #cache: ResponseCache | undefined;
  /** A model that is loaded again must not get the answers of its former self. */
  readonly #cacheScope = randomUUID();
  readonly #now: () => number;
  readonly #allOutputs: readonly number[];
  readonly #requiredInputs: number;
  readonly #correlationControl: CorrelationControl | undefined;
  readonly #restoreShapes: ((response: InferenceResponse) => InferenceResponse) | undefined;
  #scheduler: Scheduler | undefined;
  #free: () => Promise<unknown> = async () => {};
  #steps: readonly StepStatistics[] = [];
  readonly #repositoryPath: string;
  readonly #createdNs: number;
  #loadSeconds = 0;
  #inflight = 0;
  #pins = 0;
  #quiet: PromiseWithResolvers<void> | undefined;

  constructor(parts: ModelVersionParts) {
    this.name = parts.name;
    this.version = parts.version;
    this.config = parts.config;
    this.signature = parts.signature;
    this.isEnsemble = parts.isEnsemble;
    this.decoupled = parts.signature.decoupled;
    this.statistics = parts.statistics;
    this.#labels = parts.labels;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#repositoryPath = path.dirname(parts.modelDirectory);
    this.#createdNs = parts.clock.nowNs();
    this.#cache = parts.cache;
    this.#now = () => parts.clock.nowNs();
    this.#allOutputs = outputOrder(parts.signature, parts.isEnsemble);
    this.#requiredInputs = parts.signature.inputs.filter((input) => !input.optional).length;
    this.#correlationControl = correlationControl(parts.config);
    this.#restoreShapes = parts.isEnsemble ? undefined : outputShapeRestorer(parts.signature);
  }

  /** Gives the version what runs its requests, and how to free that; `steps` are those of an ensemble. */
  attach(scheduler: Scheduler, free: () => Promise<unknown>, steps: readonly StepStatistics[] = []): void {
    this.#loadSeconds = (this.#clock.nowNs() - this.#createdNs) / 1e9;
    this.#scheduler = scheduler;
    this.#free = free;
    this.#steps = steps;
  }

  /** Requests that were not answered for good yet. */
  get inflightCount(): number {
    return this.#inflight;
  }

  /** What the metrics page says about this version. */
  metrics(namespacing: boolean): ModelMetricsSource {
    return {
      statistics: this.statistics.snapshot(),
      failures: this.statistics.failures,
      pendingCount: this.#scheduler?.pendingCount ?? 0,
      loadSeconds: this.#loadSeconds,
      usesCache: this.#cache !== undefined,
      namespace: namespacing ? this.#repositoryPath : undefined,
      tags: this.config.metricTags,
      steps: this.#steps,
    };
  }

  labels(outputName: string): readonly string[] | undefined {
    return this.#labels.get(outputName);
  }

  /** Throws StatusError when the request is refused before it is queued; answers through `respond` afterwards. */
  infer(request: InferenceRequest, respond: ResponseHandler): void {
    const tracked = this.admit(request, respond);
    if (tracked.released || this.#answerFromCache(tracked)) return;
    try {
      this.#scheduler!.enqueue(tracked);
    } catch (error) {
      // The scheduler refused it: the caller answers, and nothing counts.
      if (!tracked.released) this.#settle();
      throw StatusError.from(error);
    }
  }

  /** Checks a request and counts it as in flight. It may come back answered already. Throws StatusError when it is refused. */
  admit(request: InferenceRequest, respond: ResponseHandler): TrackedRequest {
    const outputs = requestedOutputs(this.name, this.signature, this.#allOutputs, request);
    const prepared = prepareInputs(this.name, this.signature, this.#requiredInputs, request);
    checkCorrelationId(this.name, this.#correlationControl, request);
    const tracked = new TrackedRequest(this, request, prepared, outputs, respond);
    traceStart(tracked, this.name);
    this.#inflight++;
    if (prepared.lateError !== undefined) {
      tracked.queuedNs = tracked.startNs;
      tracked.respond(errorResponse(tracked, prepared.lateError), true);
    }
    return tracked;
  }

  /** Keeps the version alive until `unpin`. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    this.#checkQuiet();
  }

  async unload(): Promise<void> {
    if (this.#pins > 0) await this.#becomeQuiet();
    await this.#scheduler?.stop();
    if (this.#inflight > 0) await this.#becomeQuiet();
    await this.#free();
  }

  nowNs(): number {
    return this.#clock.nowNs();
  }

  restoreShapes(response: InferenceResponse): InferenceResponse {
    return this.#restoreShapes === undefined ? response : this.#restoreShapes(response);
  }

  finished(
    request: TrackedRequest,
    response: InferenceResponse | undefined,
    failure: FailureReason | undefined,
    nowNs: number,
  ): void {
    if (failure === undefined) countSuccess(this.statistics, request, nowNs);
    else countFailure(this.statistics, request, failure, this.isEnsemble, nowNs);
    if (failure === undefined && request.cacheLookup !== undefined) this.#keep(request.cacheLookup, response);
    if (!this.decoupled) traceOutputs(request, response);
    traceEnd(request, failure !== undefined, nowNs);
    this.#settle();
  }

  responded(request: TrackedRequest, index: number, response: InferenceResponse | undefined, nowNs: number): void {
    countResponse(this.statistics, request, index, response, nowNs);
    traceOutputs(request, response);
  }

  handlerFailed(error: unknown): void {
    this.#log.error(
      `response handler of model '${this.name}' failed: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }

  #answerFromCache(request: TrackedRequest): boolean {
    if (this.#cache === undefined) return false;
    const key = responseKey(this.#cacheScope, request);
    const outputs = this.#cache.lookup(key, this.#now);
    const nowNs = this.#now();
    const lookupNs = nowNs - request.startNs;
    if (outputs === undefined) {
      request.cacheLookup = { key, lookupNs };
      return false;
    }
    request.queuedNs = request.startNs;
    this.statistics.recordCacheHit(lookupNs, 0, lookupNs);
    request.request.account?.succeeded({ ...NO_TIMES, requestNs: lookupNs });
    traceEnd(request, false, nowNs);
    this.#settle();
    request.answerFromCache(outputs);
    return true;
  }

  /** Of requests that ask the same at the same time only the first one's answer is kept and counts as a miss, as in Triton. */
  #keep({ key, lookupNs }: CacheLookup, response: InferenceResponse | undefined): void {
    if (response === undefined) return;
    const startNs = this.#now();
    const { outputs } = this.restoreShapes(response);
    if (this.#cache?.insert(key, outputs, this.#now)) this.statistics.recordCacheMiss(lookupNs + this.#now() - startNs);
  }

  #settle(): void {
    this.#inflight--;
    this.#checkQuiet();
  }

  #becomeQuiet(): Promise<void> {
    this.#quiet ??= Promise.withResolvers<void>();
    this.#checkQuiet();
    return this.#quiet.promise;
  }

  #checkQuiet(): void {
    if (this.#quiet === undefined || this.#pins > 0 || this.#inflight > 0) return;
    this.#quiet.resolve();
    this.#quiet = undefined;
  }
}
