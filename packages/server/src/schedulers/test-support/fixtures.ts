import {
  Cancellation,
  type CorrelationId,
  type ExecutionBatch,
  type InferenceResponse,
  type ModelInstance,
  type ModelSignature,
  type ScheduledRequest,
} from '../../inference/index.ts';

export interface TestRequestOptions {
  readonly id?: string;
  readonly batchSize?: number;
  readonly priority?: number;
  readonly timeoutMicros?: number;
  /** Elements behind the batch dimension. */
  readonly length?: number;
  readonly correlationId?: CorrelationId;
  readonly start?: boolean;
  readonly end?: boolean;
  readonly cancellation?: Cancellation;
  /** Called with every delivered response, after it was recorded. */
  readonly onResponse?: (request: TestRequest) => void;
}

/** A scheduled request that remembers how it was answered, and counts as the core does. */
export class TestRequest implements ScheduledRequest {
  readonly request: ScheduledRequest['request'];
  readonly modelVersion = 1;
  readonly batchSize: number;
  readonly inputs: ScheduledRequest['inputs'];
  readonly requestedOutputs = [0];
  queuedNs = 0;
  batch: ExecutionBatch | undefined = undefined;
  gate: ScheduledRequest['gate'] = undefined;
  reschedule: ScheduledRequest['reschedule'] = undefined;
  rescheduled = false;
  released = false;
  /** Responses as a client would see them, in order. */
  readonly delivered: (InferenceResponse | undefined)[] = [];
  finals = 0;
  readonly #onResponse: ((request: TestRequest) => void) | undefined;

  constructor(options: TestRequestOptions = {}) {
    const { batchSize = 1, length = 1 } = options;
    const shape = batchSize === 0 ? [length] : [batchSize, length];
    const data = new Uint8Array(4 * Math.max(1, batchSize) * length);
    this.batchSize = batchSize;
    this.inputs = [{ name: 'INPUT', dataType: 'INT32', shape, data }];
    this.#onResponse = options.onResponse;
    this.request = {
      id: options.id ?? '',
      modelName: 'm',
      modelVersion: -1,
      inputs: [],
      requestedOutputs: [],
      parameters: new Map(),
      correlationId: options.correlationId ?? 0n,
      sequenceStart: options.start ?? false,
      sequenceEnd: options.end ?? false,
      priority: options.priority ?? 0,
      timeoutMicros: options.timeoutMicros ?? 0,
      cancellation: options.cancellation ?? new Cancellation(),
      receivedNs: 0,
    };
  }

  readonly respond: ScheduledRequest['respond'] = (response, final) => {
    if (this.released) return;
    if (final) this.released = true;
    if (this.gate === undefined) this.deliver(response, final);
    else this.gate(response, final);
  };

  deliver(response: InferenceResponse | undefined, final: boolean): void {
    this.delivered.push(response);
    if (final) this.finals++;
    this.#onResponse?.(this);
  }

  /** `ok`, or the text of the error. */
  get outcome(): string {
    if (this.finals !== 1) return `${this.finals} final responses`;
    const error = this.delivered.find((response) => response?.error !== undefined)?.error;
    return error === undefined ? 'ok' : `${error.code} ${error.message}`;
  }
}

export interface TestSignatureOptions {
  readonly maxBatchSize?: number;
  readonly dims?: readonly number[];
  readonly allowRaggedBatch?: boolean;
}

export function testSignature(options: TestSignatureOptions = {}): ModelSignature {
  const { maxBatchSize = 8, dims = [1], allowRaggedBatch = false } = options;
  const input = {
    name: 'INPUT',
    dataType: 'INT32',
    dims,
    reshape: undefined,
    optional: false,
    allowRaggedBatch,
  } as const;
  return {
    maxBatchSize,
    inputs: [input],
    outputs: [{ ...input, name: 'OUTPUT' }],
    inputIndex: new Map([['INPUT', 0]]),
    outputIndex: new Map([['OUTPUT', 0]]),
    decoupled: false,
  };
}

/** An execution under way. */
export interface HeldExecution {
  readonly instance: string;
  readonly batch: ExecutionBatch;
  readonly ids: readonly string[];
  /** Answers every request and frees the instance; settles when the scheduler has noticed. */
  finish(): Promise<void>;
}

/** Instances that run until the test says otherwise, or inline. */
export class TestInstances {
  readonly executions: HeldExecution[] = [];
  readonly running: HeldExecution[] = [];
  readonly all: readonly ModelInstance[];
  readonly #inline: boolean;
  /** Called for each request of an execution; answers it when not given. */
  readonly #answer: (request: ScheduledRequest, batch: ExecutionBatch) => void;

  constructor(
    count: number,
    options: { inline?: boolean; answer?: (request: ScheduledRequest, batch: ExecutionBatch) => void } = {},
  ) {
    this.#inline = options.inline ?? false;
    this.#answer = options.answer ?? answerOk;
    this.all = Array.from({ length: count }, (_, index) => this.#instance(`m_${index}`));
  }

  /** Request ids of every execution so far. */
  get history(): readonly (readonly string[])[] {
    return this.executions.map(({ ids }) => ids);
  }

  async finishNext(): Promise<void> {
    const execution = this.running[0];
    if (execution === undefined) throw new Error('nothing is running');
    await execution.finish();
  }

  async finishAll(): Promise<void> {
    while (this.running.length > 0) await this.finishNext();
  }

  #instance(name: string): ModelInstance {
    return {
      name,
      execute: (batch) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const execution: HeldExecution = {
          instance: name,
          batch,
          ids: batch.requests.map(({ request }) => request.id),
          finish: async () => {
            this.running.splice(this.running.indexOf(execution), 1);
            for (const request of batch.requests) this.#answer(request, batch);
            resolve();
            await noticed();
          },
        };
        this.executions.push(execution);
        if (this.#inline) {
          for (const request of batch.requests) this.#answer(request, batch);
          return undefined;
        }
        this.running.push(execution);
        return promise;
      },
    };
  }
}

/** Waits until what was settled has been acted on. */
export function noticed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function answerOk(request: ScheduledRequest): void {
  const { id, modelName } = request.request;
  request.respond({ id, modelName, modelVersion: request.modelVersion, parameters: new Map(), outputs: [] }, true);
}
