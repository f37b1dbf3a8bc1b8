import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from './error.ts';

const LIBRARY_NAMES: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

const TELEMETRY_VARIABLE = 'ORT_DISABLE_TELEMETRY';

/** `dlopen` flags: bind lazily, and never unload. */
const NODELETE_FLAGS: Readonly<Record<string, number>> = { linux: 0x1001, darwin: 0x81 };

/**
 * Path of ONNX Runtime's shared library inside the installed `onnxruntime-node` package.
 * Throws EngineError when the package is missing or carries no library for this platform.
 */
export function findLibrary(): string {
  const platform = `${process.platform}/${process.arch}`;
  let packageJson: string;
  try {
    const require = createRequire(import.meta.url);
    packageJson = require.resolve('onnxruntime-node/package.json');
  } catch (cause) {
    throw new EngineError('ONNX Runtime not found: the package "onnxruntime-node" is not installed', { cause });
  }
  const name = LIBRARY_NAMES[process.platform];
  if (name === undefined) throw new EngineError(`ONNX Runtime not found: no library is known for ${platform}`);
  const file = path.join(path.dirname(packageJson), 'bin', 'napi-v6', process.platform, process.arch, name);
  if (!existsSync(file))
    throw new EngineError(`ONNX Runtime not found: "onnxruntime-node" has no library for ${platform} (${file})`);
  return file;
}

/** Loads ONNX Runtime's shared library, its telemetry switched off. Throws EngineError naming the file. */
export function openLibrary(file: string): LibraryHandle {
  try {
    disableTelemetry();
    const library = koffi.load(file);
    pin(file);
    return library;
  } catch (cause) {
    throw new EngineError(`ONNX Runtime cannot be loaded from ${file}: ${String(cause)}`, { cause });
  }
}

/**
 * Microsoft's builds of ONNX Runtime 1.29 and newer report to Microsoft by default what is loaded and run: hashes of models, times, errors,
 * an identifier of the device that they keep in the home directory. A server of one's own tells nobody. The library reads the variable
 * when it starts; `process.env` of a worker thread does not reach the process's environment, hence the C function.
 */
function disableTelemetry(): void {
  const variable = [TELEMETRY_VARIABLE, '1'] as const;
  if (process.platform === 'win32') {
    koffi.load('ucrtbase.dll').func('int _putenv_s(const char *name, const char *value)')(...variable);
  } else {
    koffi.load(null).func('int setenv(const char *name, const char *value, int overwrite)')(...variable, 1);
  }
}

/**
 * koffi unloads its libraries when the thread that loaded them ends; ONNX Runtime's own threads would then run in unmapped code.
 * One more reference, never given back, keeps the library for the life of the process.
 */
function pin(file: string): void {
  if (process.platform === 'win32') {
    koffi.load('kernel32.dll').func('void *LoadLibraryW(str16)')(file);
    return;
  }
  koffi.load(null).func('void *dlopen(const char *path, int flags)')(file, NODELETE_FLAGS[process.platform] ?? 1);
}

interface CopyFunction {
  (destination: ArrayBufferView | number, source: ArrayBufferView | number, bytes: number): number;
  async(
    destination: ArrayBufferView | number,
    source: ArrayBufferView | number,
    bytes: number,
    callback: (error: unknown, result: number) => void,
  ): void;
}

/** What is needed of the C library beside ONNX Runtime. */
export class CLibrary {
  readonly #library: LibraryHandle;
  readonly #copy: CopyFunction;
  readonly #trim: { async(pad: number, callback: () => void): void } | undefined;

  constructor() {
    this.#library = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);
    this.#copy = this.#library.func('uintptr_t memcpy(void *destination, const void *source, size_t bytes)');
    this.#trim = this.#findTrim();
  }

  /** Copies between typed arrays and native memory. */
  copy(destination: ArrayBufferView | number, source: ArrayBufferView | number, bytes: number): void {
    if (bytes > 0) this.#copy(destination, source, bytes);
  }

  /** As `copy`, on the thread pool. */
  copyAsync(
    destination: ArrayBufferView | number,
    source: ArrayBufferView | number,
    bytes: number,
    done: (error: unknown, result: number) => void,
  ): void {
    this.#copy.async(destination, source, bytes, done);
  }

  /**
   * Gives memory that was freed back to the operating system, off this thread. Loading a model frees several times its weights, and
   * glibc would keep all of it for later. Does nothing with other C libraries.
   */
  trim(): Promise<void> {
    const trim = this.#trim;
    return trim === undefined ? Promise.resolve() : new Promise((resolve) => trim.async(0, () => resolve()));
  }

  #findTrim(): { async(pad: number, callback: () => void): void } | undefined {
    if (process.platform !== 'linux') return undefined;
    try {
      return this.#library.func('int malloc_trim(size_t pad)');
    } catch {
      return undefined;
    }
  }
}
