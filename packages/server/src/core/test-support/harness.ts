import type { Tensor } from '@nereid/protocol';
import {
  type Backend,
  Cancellation,
  type Clock,
  type InferenceRequest,
  type InferenceResponse,
  type Logger,
} from '../../inference/index.ts';
import { ManualClock } from '../../schedulers/test-support/manual-clock.ts';
import { Core } from '../core.ts';
import type { CoreOptions } from '../options.ts';
import { type MemoryModel, MemoryStore } from './memory-store.ts';
import { ToyBackend } from './toy-backend.ts';

/** Remembers messages instead of writing them. */
export class MemoryLogger implements Logger {
  readonly lines: string[] = [];

  error(message: string): void {
    this.lines.push(`E ${message}`);
  }

  warning(message: string): void {
    this.lines.push(`W ${message}`);
  }

  info(message: string): void {
    this.lines.push(`I ${message}`);
  }

  verbose(level: number, message: string): void {
    this.lines.push(`V${level} ${message}`);
  }
}

export interface TestCore {
  readonly core: Core;
  readonly backend: ToyBackend;
  readonly clock: ManualClock;
  readonly log: MemoryLogger;
  readonly store: MemoryStore;
}

export interface TestCoreOptions extends Pick<CoreOptions, 'responseCacheBytes'> {
  readonly backends?: readonly Backend[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

/** A started core over toy models. */
export async function startCore(
  models: readonly (string | MemoryModel)[],
  options: TestCoreOptions = {},
): Promise<TestCore> {
  const backend = new ToyBackend();
  const clock = new ManualClock();
  const log = new MemoryLogger();
  let store: MemoryStore | undefined;
  const core = new Core({
    id: 'test',
    version: '0.0.0',
    extensions: [],
    backends: new Map([backend, ...(options.backends ?? [])].map((each) => [each.name, each])),
    createStore: (loader) => {
      store = new MemoryStore(
        loader,
        models.map((model) => (typeof model === 'string' ? { config: model } : model)),
        log,
      );
      return store;
    },
    log,
    clock: options.clock ?? clock,
    environment: options.environment ?? {},
    responseCacheBytes: options.responseCacheBytes,
  });
  await core.start();
  return { core, backend, clock, log, store: store! };
}

/** A request with everything at its default but what is given. */
export function makeRequest(
  modelName: string,
  inputs: readonly Tensor[],
  more: Partial<InferenceRequest> = {},
): InferenceRequest {
  return {
    id: '',
    modelName,
    modelVersion: -1,
    inputs,
    requestedOutputs: [],
    parameters: new Map(),
    correlationId: 0n,
    sequenceStart: false,
    sequenceEnd: false,
    priority: 0,
    timeoutMicros: 0,
    cancellation: new Cancellation(),
    receivedNs: 0,
    ...more,
  };
}

/** Everything a request was answered with. */
export interface Answers {
  readonly responses: (InferenceResponse | undefined)[];
  /** Final calls; must become 1. */
  finals: number;
}

/** Starts a request and collects its answers. Throws what the core throws. */
export function send(core: Core, request: InferenceRequest): Answers {
  const answers: Answers = { responses: [], finals: 0 };
  core.infer(request, (response, final) => {
    answers.responses.push(response);
    if (final) answers.finals++;
  });
  return answers;
}

/** The message of the only answer, or of what was thrown: `CODE text`. */
export function failureOf(core: Core, request: InferenceRequest): string {
  try {
    const { error } = send(core, request).responses[0]!;
    return error === undefined ? 'no error' : `answered ${error.code} ${error.message}`;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `thrown ${code} ${message}`;
  }
}
