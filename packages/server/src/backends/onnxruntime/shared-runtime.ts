import { availableParallelism } from 'node:os';
import { OnnxRuntime, type RuntimeOptions } from '@nereid/engine';
import { forcesGlobalPool, parseInteger } from './parameters.ts';

/** Loading a model takes one of the places; the others go on. */
const MIN_CONCURRENT_CALLS = 2;

/**
 * The one ONNX Runtime of a server, started when the first model needs it. Every backend that runs ONNX shares it, so that
 * models share threads however many there are, and no more runs than cores take place at a time.
 */
export class SharedRuntime {
  readonly #options: RuntimeOptions;
  #runtime: OnnxRuntime | undefined;

  constructor(options: RuntimeOptions = {}) {
    this.#options = { maxConcurrentCalls: Math.max(MIN_CONCURRENT_CALLS, availableParallelism()), ...options };
  }

  /**
   * `backendConfig` sizes the global pool when this is the first call and it asks for that (`enable-global-threadpool`, `intra_op_thread_count`,
   * `inter_op_thread_count`). Throws EngineError when the library cannot be loaded, StatusError INVALID_ARG for a bad number.
   */
  get(backendConfig: ReadonlyMap<string, string>): OnnxRuntime {
    this.#runtime ??= new OnnxRuntime({ ...this.#options, ...poolSizes(backendConfig) });
    return this.#runtime;
  }

  /** Releases all sessions. The next `get` starts anew. */
  async close(): Promise<void> {
    const runtime = this.#runtime;
    this.#runtime = undefined;
    await runtime?.close();
  }
}

function poolSizes(backendConfig: ReadonlyMap<string, string>): RuntimeOptions {
  if (!forcesGlobalPool(backendConfig)) return {};
  const intraOp = parseInteger(backendConfig.get('intra_op_thread_count') ?? '0');
  const interOp = parseInteger(backendConfig.get('inter_op_thread_count') ?? '0');
  return {
    ...(intraOp > 0 ? { intraOpThreads: intraOp } : {}),
    ...(interOp > 0 ? { interOpThreads: interOp } : {}),
  };
}
