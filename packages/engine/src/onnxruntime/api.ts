import koffi from 'koffi';
import { EngineError, OnnxRuntimeError } from './error.ts';
import { CLibrary, findLibrary, openLibrary } from './library.ts';

/** An address in native memory; 0 is NULL. User-space addresses are below 2^53 on every platform ONNX Runtime is built for. */
export type Pointer = number;

/** How a parameter or a result is passed. `data`: the memory of a typed array, or an address. `path`: wide characters on Windows. */
interface NativeTypes {
  void: undefined;
  int: number;
  size: number;
  pointer: Pointer;
  data: ArrayBufferView | Pointer;
  text: string | null;
  path: string;
}
type NativeType = keyof NativeTypes;
type Signature = readonly [index: number, result: NativeType, ...parameters: NativeType[]];
type Parameters<S> = S extends readonly [number, NativeType, ...infer P]
  ? { [K in keyof P]: P[K] extends NativeType ? NativeTypes[P[K]] : never }
  : never;
type Result<S> = S extends readonly [number, infer R extends NativeType, ...unknown[]] ? NativeTypes[R] : never;

/** A function of the table: callable at once, or on the thread pool through `async`. */
interface NativeFunction<P extends unknown[], R> {
  (...parameters: P): R;
  async(...parameters: [...P, callback: (error: unknown, result: R) => void]): void;
}

const C_TYPES: Readonly<Record<NativeType, string>> = {
  void: 'void',
  int: 'int',
  size: 'size_t',
  pointer: 'uintptr_t',
  data: 'void *',
  text: 'const char *',
  path: process.platform === 'win32' ? 'const char16_t *' : 'const char *',
};

/**
 * The functions of `OrtApi` that are used, with their place in it. The table only ever grows at its end, so a place is valid for every
 * ONNX Runtime of at least version 1.16. Source: `onnxruntime_c_api.h` and the order of `ort_api_1_to_N` in `onnxruntime_c_api.cc`.
 * A result of type `pointer` is an `OrtStatus *`, NULL on success.
 */
const SIGNATURES = {
  GetErrorCode: [1, 'int', 'pointer'],
  GetErrorMessage: [2, 'text', 'pointer'],
  DisableTelemetryEvents: [6, 'pointer', 'pointer'],
  CreateSessionFromArray: [8, 'pointer', 'pointer', 'data', 'size', 'pointer', 'data'],
  Run: [9, 'pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'size', 'pointer', 'size', 'pointer'],
  CreateSessionOptions: [10, 'pointer', 'data'],
  SetOptimizedModelFilePath: [11, 'pointer', 'pointer', 'path'],
  SetSessionExecutionMode: [13, 'pointer', 'pointer', 'int'],
  EnableMemPattern: [16, 'pointer', 'pointer'],
  DisableMemPattern: [17, 'pointer', 'pointer'],
  EnableCpuMemArena: [18, 'pointer', 'pointer'],
  DisableCpuMemArena: [19, 'pointer', 'pointer'],
  SetSessionLogSeverityLevel: [22, 'pointer', 'pointer', 'int'],
  SetSessionGraphOptimizationLevel: [23, 'pointer', 'pointer', 'int'],
  SetIntraOpNumThreads: [24, 'pointer', 'pointer', 'int'],
  SetInterOpNumThreads: [25, 'pointer', 'pointer', 'int'],
  SessionGetInputCount: [30, 'pointer', 'pointer', 'data'],
  SessionGetOutputCount: [31, 'pointer', 'pointer', 'data'],
  SessionGetOverridableInitializerCount: [32, 'pointer', 'pointer', 'data'],
  SessionGetInputTypeInfo: [33, 'pointer', 'pointer', 'size', 'data'],
  SessionGetOutputTypeInfo: [34, 'pointer', 'pointer', 'size', 'data'],
  SessionGetOverridableInitializerTypeInfo: [35, 'pointer', 'pointer', 'size', 'data'],
  SessionGetInputName: [36, 'pointer', 'pointer', 'size', 'pointer', 'data'],
  SessionGetOutputName: [37, 'pointer', 'pointer', 'size', 'pointer', 'data'],
  SessionGetOverridableInitializerName: [38, 'pointer', 'pointer', 'size', 'pointer', 'data'],
  CreateRunOptions: [39, 'pointer', 'data'],
  RunOptionsSetTerminate: [46, 'pointer', 'pointer'],
  CreateTensorAsOrtValue: [48, 'pointer', 'pointer', 'pointer', 'size', 'int', 'pointer'],
  CreateTensorWithDataAsOrtValue: [49, 'pointer', 'pointer', 'data', 'size', 'pointer', 'size', 'int', 'pointer'],
  IsTensor: [50, 'pointer', 'pointer', 'data'],
  GetTensorMutableData: [51, 'pointer', 'pointer', 'data'],
  FillStringTensor: [52, 'pointer', 'pointer', 'data', 'size'],
  GetStringTensorDataLength: [53, 'pointer', 'pointer', 'data'],
  GetStringTensorContent: [54, 'pointer', 'pointer', 'data', 'size', 'data', 'size'],
  CastTypeInfoToTensorInfo: [55, 'pointer', 'pointer', 'data'],
  GetOnnxTypeFromTypeInfo: [56, 'pointer', 'pointer', 'data'],
  GetTensorElementType: [60, 'pointer', 'pointer', 'data'],
  GetDimensionsCount: [61, 'pointer', 'pointer', 'data'],
  GetDimensions: [62, 'pointer', 'pointer', 'data', 'size'],
  GetSymbolicDimensions: [63, 'pointer', 'pointer', 'data', 'size'],
  GetTensorTypeAndShape: [65, 'pointer', 'pointer', 'data'],
  CreateCpuMemoryInfo: [69, 'pointer', 'int', 'int', 'data'],
  AllocatorFree: [76, 'pointer', 'pointer', 'pointer'],
  GetAllocatorWithDefaultOptions: [78, 'pointer', 'data'],
  ReleaseEnv: [92, 'void', 'pointer'],
  ReleaseStatus: [93, 'void', 'pointer'],
  ReleaseMemoryInfo: [94, 'void', 'pointer'],
  ReleaseSession: [95, 'void', 'pointer'],
  ReleaseValue: [96, 'void', 'pointer'],
  ReleaseRunOptions: [97, 'void', 'pointer'],
  ReleaseTypeInfo: [98, 'void', 'pointer'],
  ReleaseTensorTypeAndShapeInfo: [99, 'void', 'pointer'],
  ReleaseSessionOptions: [100, 'void', 'pointer'],
  CreateEnvWithGlobalThreadPools: [119, 'pointer', 'int', 'text', 'pointer', 'data'],
  DisablePerSessionThreads: [120, 'pointer', 'pointer'],
  CreateThreadingOptions: [121, 'pointer', 'data'],
  ReleaseThreadingOptions: [122, 'void', 'pointer'],
  AddSessionConfigEntry: [130, 'pointer', 'pointer', 'text', 'text'],
  SetGlobalIntraOpNumThreads: [147, 'pointer', 'pointer', 'int'],
  SetGlobalInterOpNumThreads: [148, 'pointer', 'pointer', 'int'],
  SetGlobalSpinControl: [149, 'pointer', 'pointer', 'int'],
  AddRunConfigEntry: [165, 'pointer', 'pointer', 'text', 'text'],
  GetResizedStringTensorElementBuffer: [252, 'pointer', 'pointer', 'size', 'size', 'data'],
} as const satisfies Record<string, Signature>;

type Signatures = typeof SIGNATURES;
type Functions = {
  readonly [Name in keyof Signatures]: NativeFunction<Parameters<Signatures[Name]>, Result<Signatures[Name]>>;
};

/** Version of the C API asked for: 1.16's. Every later library hands it out. */
const API_VERSION = 16;

/**
 * ONNX Runtime's C API, callable. One object per JavaScript thread; the library behind it is one per process.
 *
 * The object keeps koffi's prototype objects as long as its functions: a function whose prototype was collected crashes when called.
 */
export class OrtApi {
  readonly libraryPath: string;
  /** The library's version, such as `1.30.0`. */
  readonly libraryVersion: string;
  readonly functions: Functions;
  readonly cLibrary = new CLibrary();
  readonly #keepAlive: unknown[] = [];
  readonly #slot = new BigUint64Array(1);

  /** Loads the library. Throws EngineError when it is missing, broken or too old. */
  constructor(libraryPath: string = findLibrary()) {
    this.libraryPath = libraryPath;
    const library = openLibrary(libraryPath);
    this.#keepAlive.push(library);
    const base = library.func('void *OrtGetApiBase()')() as bigint;
    const [getApi, getVersionString] = koffi.decode(base, koffi.array('void *', 2)) as [bigint, bigint];
    this.libraryVersion = this.#bind(getVersionString, 'const char *', [])() as string;
    const table = this.#bind(getApi, 'void *', ['uint32_t'])(API_VERSION) as bigint | null;
    if (table === null)
      throw new EngineError(
        `ONNX Runtime ${this.libraryVersion} (${libraryPath}) is too old: API version ${API_VERSION} is needed`,
      );
    this.functions = this.#bindTable(table);
  }

  /** Throws OnnxRuntimeError when `status` is one, and frees it. */
  check(status: Pointer): void {
    if (status !== 0) throw this.errorOf(status);
  }

  /** Turns an `OrtStatus *` into an error and frees it. */
  errorOf(status: Pointer): OnnxRuntimeError {
    const code = this.functions.GetErrorCode(status);
    const message = this.functions.GetErrorMessage(status) ?? '';
    this.functions.ReleaseStatus(status);
    return new OnnxRuntimeError(code, message);
  }

  /** Calls a function with an out parameter and returns what it wrote: an address or a size. */
  read(call: (out: BigUint64Array) => Pointer): number {
    this.#slot[0] = 0n;
    this.check(call(this.#slot));
    return Number(this.#slot[0]);
  }

  /** Like `read` for an `int` out parameter. */
  readInt(call: (out: BigUint64Array) => Pointer): number {
    this.#slot[0] = 0n;
    this.check(call(this.#slot));
    return Number(BigInt.asIntN(32, this.#slot[0]));
  }

  /** Text at `address`, NUL-terminated UTF-8. */
  text(address: Pointer): string {
    return koffi.decode.string(BigInt(address));
  }

  #bindTable(table: bigint): Functions {
    const signatures: readonly (readonly [string, Signature])[] = Object.entries(SIGNATURES);
    const length = Math.max(...signatures.map(([, [index]]) => index)) + 1;
    const entries = koffi.decode(table, koffi.array('void *', length)) as bigint[];
    const functions: Record<string, unknown> = {};
    for (const [name, [index, result, ...parameters]] of signatures) {
      functions[name] = this.#bind(
        entries[index] ?? 0n,
        C_TYPES[result],
        parameters.map((type) => C_TYPES[type]),
      );
    }
    return functions as Functions;
  }

  #bind(address: bigint, result: string, parameters: string[]): (...values: unknown[]) => unknown {
    const prototype = koffi.proto(result, parameters);
    const bound = koffi.decode(address, prototype);
    this.#keepAlive.push(prototype, bound);
    return bound;
  }
}

/** Address of a typed array's memory. Stable as long as the array is referenced and its buffer is not transferred. */
export function addressOf(view: ArrayBufferView): Pointer {
  return Number(koffi.address(view));
}
