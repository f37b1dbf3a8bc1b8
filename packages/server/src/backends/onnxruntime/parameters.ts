import { existsSync } from 'node:fs';
import type { LoadOptions } from '@nereid/engine';
import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '../../config/index.ts';

const ALLOCATOR_KEY = 'session.use_device_allocator_for_initializers';
const SHRINKAGE_KEY = 'memory.enable_memory_arena_shrinkage';
const GLOBAL_POOL_KEY = 'enable-global-threadpool';

/**
 * Session options from `optimization` and `parameters`, with Triton's names and values. A model that asks for threads of its own gets them,
 * unless the global pool is forced on (`--backend-config=onnxruntime,enable-global-threadpool=1`); all others share the global pool.
 * @throws StatusError INVALID_ARG for a value that is not understood, INTERNAL for custom operators
 */
export function sessionOptions(config: ModelConfig, backendConfig: ReadonlyMap<string, string>): LoadOptions {
  const parameter = (name: string): string | undefined => config.parameters[name]?.stringValue;
  checkAccelerators(config);
  refuseCustomOperators(config);
  const arena = parameter('enable_mem_arena');
  const pattern = parameter('enable_mem_pattern');
  const shrinkage = parameter(SHRINKAGE_KEY);
  const allocator = parameter(ALLOCATOR_KEY);
  return {
    graphOptimization: graphOptimization(config.optimization?.graph?.level ?? 0),
    executionMode: executionMode(parseInteger(parameter('execution_mode') ?? '0')),
    threads: threads(parameter, backendConfig),
    ...(arena === undefined ? {} : { memoryArena: parseBoolean(arena) }),
    ...(pattern === undefined ? {} : { memoryPattern: parseBoolean(pattern) }),
    ...(shrinkage === undefined ? {} : { arenaShrinkage: shrinkage }),
    ...(allocator === undefined ? {} : { configEntries: new Map([[ALLOCATOR_KEY, allocator]]) }),
  };
}

/** Whether `--backend-config` asks for the global pool by name. */
export function forcesGlobalPool(backendConfig: ReadonlyMap<string, string>): boolean {
  return parseBoolean(backendConfig.get(GLOBAL_POOL_KEY) ?? 'false');
}

/** C++'s `stoi`: digits at the front count, what follows does not. */
export function parseInteger(text: string): number {
  const value = Number(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isInteger(value) && Math.abs(value) <= 0x7fffffff) return value;
  throw new StatusError('INVALID_ARG', `failed to convert '${text}' to integral number`);
}

function parseBoolean(text: string): boolean {
  switch (text.toLowerCase()) {
    case 'true':
    case 'on':
    case '1':
      return true;
    case 'false':
    case 'off':
    case '0':
      return false;
    default:
      throw new StatusError('INVALID_ARG', `failed to convert '${text}' to boolean`);
  }
}

function graphOptimization(level: number): NonNullable<LoadOptions['graphOptimization']> {
  if (level === -1) return 'basic';
  if (level === 1) return 'extended';
  return level === 2 ? 'disabled' : 'all';
}

function executionMode(mode: number): 'sequential' | 'parallel' {
  if (mode === 0) return 'sequential';
  if (mode === 1) return 'parallel';
  throw new StatusError(
    'INVALID_ARG',
    // Both odd spaces are Triton's.
    `Invalid configuration value provided. Expected values for  execution_mode are 0 or 1 but got ${mode} .`,
  );
}

function threads(
  parameter: (name: string) => string | undefined,
  backendConfig: ReadonlyMap<string, string>,
): NonNullable<LoadOptions['threads']> {
  if (forcesGlobalPool(backendConfig)) return 'global';
  const intraOp = Math.max(0, parseInteger(parameter('intra_op_thread_count') ?? '0'));
  const interOp = Math.max(0, parseInteger(parameter('inter_op_thread_count') ?? '0'));
  return intraOp === 0 && interOp === 0 ? 'global' : { intraOp, interOp };
}

/** No execution provider but the CPU's own is built in. */
function checkAccelerators(config: ModelConfig): void {
  const accelerator = config.optimization?.executionAccelerators?.cpuExecutionAccelerator[0];
  if (accelerator === undefined) return;
  throw new StatusError('INVALID_ARG', `unknown Execution Accelerator '${accelerator.name}' is requested`);
}

/** Custom operators are native code from a repository. It is not loaded; a library that is missing anyway gets the words of ONNX Runtime. */
function refuseCustomOperators(config: ModelConfig): void {
  const library = config.modelOperations?.opLibraryFilename[0];
  if (library === undefined) return;
  const reason = existsSync(library)
    ? 'custom operator libraries are not supported'
    : `${library}: cannot open shared object file: No such file or directory`;
  throw new StatusError('INTERNAL', `onnx runtime error 1: Failed to load library ${library} with error: ${reason}`);
}
