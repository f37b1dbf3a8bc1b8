import type { OrtApi, Pointer } from './api.ts';

/** How a model is loaded. Everything has ONNX Runtime's default unless said otherwise. */
export interface SessionOptions {
  /** Default `all`. */
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** `parallel` runs independent branches of a graph at the same time. Default `sequential`. */
  readonly executionMode?: 'sequential' | 'parallel';
  /** `global` (the default): the runtime's pools. Otherwise pools of the session's own; 0 threads means one per core. */
  readonly threads?: 'global' | { readonly intraOp: number; readonly interOp: number };
  readonly memoryArena?: boolean;
  readonly memoryPattern?: boolean;
  /** Arenas to shrink after each run, such as `cpu:0` (`memory.enable_memory_arena_shrinkage`). */
  readonly arenaShrinkage?: string;
  /** Further `AddSessionConfigEntry` pairs. */
  readonly configEntries?: ReadonlyMap<string, string>;
  /** Where to write the optimised graph. */
  readonly optimizedModelPath?: string;
}

const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;
const EXECUTION_MODES = { sequential: 0, parallel: 1 } as const;

/** Own pools do not spin, as the global ones do not: it would take the core from the thread that serves requests. */
const NO_SPINNING: ReadonlyMap<string, string> = new Map([
  ['session.intra_op.allow_spinning', '0'],
  ['session.inter_op.allow_spinning', '0'],
]);

/** `kOrtSessionOptionsModelExternalInitializersFileFolderPath`: where a model loaded from memory finds its external data. */
const EXTERNAL_FOLDER_KEY = 'session.model_external_initializers_file_folder_path';

/**
 * Makes an `OrtSessionOptions`, to be released by the caller. `externalFolder`: directory of external data, undefined for none.
 * Throws OnnxRuntimeError and leaves nothing allocated then.
 */
export function createSessionOptions(
  api: OrtApi,
  options: SessionOptions,
  externalFolder: string | undefined,
): Pointer {
  const handle = api.read((out) => api.functions.CreateSessionOptions(out));
  try {
    applyOptions(api, handle, options);
    if (externalFolder !== undefined) addConfigEntry(api, handle, EXTERNAL_FOLDER_KEY, externalFolder);
    return handle;
  } catch (error) {
    api.functions.ReleaseSessionOptions(handle);
    throw error;
  }
}

function applyOptions(api: OrtApi, handle: Pointer, options: SessionOptions): void {
  const f = api.functions;
  api.check(f.SetSessionGraphOptimizationLevel(handle, OPTIMIZATION_LEVELS[options.graphOptimization ?? 'all']));
  api.check(f.SetSessionExecutionMode(handle, EXECUTION_MODES[options.executionMode ?? 'sequential']));
  const threads = options.threads ?? 'global';
  if (threads === 'global') {
    api.check(f.DisablePerSessionThreads(handle));
  } else {
    api.check(f.SetIntraOpNumThreads(handle, threads.intraOp));
    api.check(f.SetInterOpNumThreads(handle, threads.interOp));
    for (const [key, value] of NO_SPINNING) addConfigEntry(api, handle, key, value);
  }
  if (options.memoryArena !== undefined) {
    api.check(options.memoryArena ? f.EnableCpuMemArena(handle) : f.DisableCpuMemArena(handle));
  }
  if (options.memoryPattern !== undefined) {
    api.check(options.memoryPattern ? f.EnableMemPattern(handle) : f.DisableMemPattern(handle));
  }
  if (options.optimizedModelPath !== undefined) {
    api.check(f.SetOptimizedModelFilePath(handle, options.optimizedModelPath));
  }
  for (const [key, value] of options.configEntries ?? []) addConfigEntry(api, handle, key, value);
}

function addConfigEntry(api: OrtApi, handle: Pointer, key: string, value: string): void {
  api.check(api.functions.AddSessionConfigEntry(handle, key, value));
}
