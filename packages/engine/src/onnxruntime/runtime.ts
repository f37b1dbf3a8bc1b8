import { availableParallelism } from 'node:os';
import { OrtApi, type Pointer } from './api.ts';
import { EngineError } from './error.ts';
import { LongWork } from './long-work.ts';
import { readModel } from './model-file.ts';
import { type ModelInfo, readModelInfo } from './model-info.ts';
import { NameTable } from './name-table.ts';
import { OutputPlan } from './output-plan.ts';
import { RunGate } from './run-gate.ts';
import { type RunMode, RunPolicy } from './run-policy.ts';
import { Session } from './session.ts';
import type { SessionCore } from './session-core.ts';
import { type SessionHandle, SharedLifetime } from './session-handle.ts';
import { createSessionOptions, type SessionOptions } from './session-options.ts';
import { StepRunner } from './step-runner.ts';

export interface RuntimeOptions {
  /** ONNX Runtime's shared library; by default the one inside `onnxruntime-node`. */
  readonly libraryPath?: string;
  /** Threads for the work inside an operator, shared by all sessions, the calling one included. Default: one per logical core. */
  readonly intraOpThreads?: number;
  /** Threads for branches of a graph that run at the same time (`executionMode: 'parallel'`); 0 (the default): one per core. */
  readonly interOpThreads?: number;
  /** Whether idle pool threads spin for work. Quicker by microseconds, but it takes the core from whoever needs it. Default false. */
  readonly spinning?: boolean;
  /** What ONNX Runtime writes to stderr: 0 verbose, 1 info, 2 warning, 3 error, 4 (the default) fatal only. Errors are thrown in any case. */
  readonly logSeverity?: 0 | 1 | 2 | 3 | 4;
  /** Runs and loads on Node's thread pool at the same time. Default: the pool's size less two, so that files and compression go on. */
  readonly maxConcurrentCalls?: number;
}

export interface LoadOptions extends SessionOptions {
  /** Default `auto`. */
  readonly runMode?: RunMode;
}

const NODE_POOL_SIZE = 4;
/** Models smaller than this leave nothing behind worth giving back to the system. */
const TRIM_FROM_BYTES = 2 ** 20;
/** koffi refuses more than 256 calls at once. */
const MAX_CONCURRENT_CALLS = 128;
/** `OrtDeviceAllocator`, `OrtMemTypeDefault` */
const DEVICE_ALLOCATOR = 0;
const MEMORY_TYPE_DEFAULT = 0;

/**
 * ONNX Runtime in this thread. Sessions of one runtime share its thread pools. The native environment behind it is one per process: the
 * first runtime's thread options hold for all, until the last is closed.
 */
export class OnnxRuntime {
  readonly version: string;
  readonly #api: OrtApi;
  readonly #environment: Pointer;
  readonly #memoryInfo: Pointer;
  readonly #allocator: Pointer;
  readonly #gate: RunGate;
  readonly #longWork: LongWork;
  readonly #sessions = new Set<Session>();
  #closed = false;

  /** Throws EngineError when the library cannot be loaded, OnnxRuntimeError when it refuses to start. */
  constructor(options: RuntimeOptions = {}) {
    const api = new OrtApi(options.libraryPath);
    this.#api = api;
    this.version = api.libraryVersion;
    this.#environment = createEnvironment(api, options);
    this.#memoryInfo = api.read((out) => api.functions.CreateCpuMemoryInfo(DEVICE_ALLOCATOR, MEMORY_TYPE_DEFAULT, out));
    this.#allocator = api.read((out) => api.functions.GetAllocatorWithDefaultOptions(out));
    this.#gate = new RunGate(options.maxConcurrentCalls ?? defaultConcurrency());
    this.#longWork = new LongWork(this.#gate, new StepRunner());
  }

  /**
   * Loads a model from a file or from bytes, off this thread. A file may keep weights beside itself (ONNX external data), in regular
   * files of its own directory only; bytes may not. Throws OnnxRuntimeError for what ONNX Runtime refuses, EngineError for what is unsafe.
   */
  async load(model: string | Uint8Array, options: LoadOptions = {}): Promise<Session> {
    if (this.#closed) throw new EngineError('the runtime was closed');
    const source = await readModel(model);
    const size = source.bytes.byteLength;
    try {
      const handle = await this.#create(source.bytes, options, source.externalFolder).catch((error) => {
        throw source.describe(error);
      });
      const session = this.#session(handle, options.runMode, options.arenaShrinkage, new SharedLifetime());
      await source.checkUnchanged().catch(async (error) => {
        await session.release();
        throw error;
      });
      return session;
    } finally {
      source.free();
      if (size >= TRIM_FROM_BYTES) await this.#api.cLibrary.trim();
    }
  }

  /** Joins a session that another thread shared (`Session.share`). Throws EngineError when it is released already. */
  attach(handle: SessionHandle, runMode?: RunMode): Session {
    const lifetime = new SharedLifetime(handle.lifetime);
    return this.#session(Number(handle.address), runMode, handle.arenaShrinkage || undefined, lifetime);
  }

  /** Releases every session made by this runtime and then the runtime. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#sessions].map((session) => session.release()));
    this.#api.functions.ReleaseMemoryInfo(this.#memoryInfo);
    this.#api.functions.ReleaseEnv(this.#environment);
  }

  async #create(bytes: Uint8Array, options: SessionOptions, externalFolder: string | undefined): Promise<Pointer> {
    const { functions } = this.#api;
    const sessionOptions = createSessionOptions(this.#api, options, externalFolder);
    const out = new BigUint64Array(1);
    // The memory of an empty array is NULL, which is another error than an empty model.
    const data = bytes.byteLength === 0 ? new Uint8Array(1) : bytes;
    try {
      const status = await new Promise<Pointer>((resolve, reject) => {
        this.#gate.enter(() =>
          functions.CreateSessionFromArray.async(
            this.#environment,
            data,
            bytes.byteLength,
            sessionOptions,
            out,
            (error, result) => {
              this.#gate.leave();
              if (error) reject(new EngineError('ONNX Runtime could not be called', { cause: error }));
              else resolve(result);
            },
          ),
        );
      });
      this.#api.check(status);
      return Number(out[0]);
    } finally {
      functions.ReleaseSessionOptions(sessionOptions);
    }
  }

  /** The session takes over `lifetime`. Throws OnnxRuntimeError, having left it. */
  #session(
    handle: Pointer,
    runMode: RunMode | undefined,
    arenaShrinkage: string | undefined,
    lifetime: SharedLifetime,
  ): Session {
    try {
      const model = readModelInfo(this.#api, handle, this.#allocator);
      const session: Session = new Session({
        core: this.#core(handle, model, arenaShrinkage),
        model,
        gate: this.#gate,
        longWork: this.#longWork,
        policy: new RunPolicy(runMode ?? 'auto'),
        lifetime,
        onReleased: () => this.#sessions.delete(session),
      });
      this.#sessions.add(session);
      return session;
    } catch (error) {
      if (lifetime.leave()) this.#api.functions.ReleaseSession(handle);
      throw error;
    }
  }

  #core(handle: Pointer, model: ModelInfo, arenaShrinkage: string | undefined): SessionCore {
    const inputs = [...model.inputs, ...model.overridableInitializers];
    return {
      api: this.#api,
      handle,
      memoryInfo: this.#memoryInfo,
      allocator: this.#allocator,
      inputs,
      outputs: model.outputs,
      outputPlans: model.outputs.map((output) => new OutputPlan(output, model)),
      inputNames: new NameTable(inputs.map(({ name }) => name)),
      outputNames: new NameTable(model.outputs.map(({ name }) => name)),
      arenaShrinkage,
    };
  }
}

function createEnvironment(api: OrtApi, options: RuntimeOptions): Pointer {
  const f = api.functions;
  const threading = api.read((out) => f.CreateThreadingOptions(out));
  try {
    api.check(f.SetGlobalIntraOpNumThreads(threading, options.intraOpThreads ?? availableParallelism()));
    api.check(f.SetGlobalInterOpNumThreads(threading, options.interOpThreads ?? 0));
    api.check(f.SetGlobalSpinControl(threading, options.spinning ? 1 : 0));
    const environment = api.read((out) =>
      f.CreateEnvWithGlobalThreadPools(options.logSeverity ?? 4, 'nereid', threading, out),
    );
    // For what does not heed the variable that `openLibrary` sets: the Windows build.
    api.check(f.DisableTelemetryEvents(environment));
    return environment;
  } finally {
    f.ReleaseThreadingOptions(threading);
  }
}

function defaultConcurrency(): number {
  const poolSize = Number.parseInt(process.env['UV_THREADPOOL_SIZE'] ?? '', 10) || NODE_POOL_SIZE;
  return Math.min(Math.max(poolSize - 2, 1), MAX_CONCURRENT_CALLS);
}
