import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { EngineError, OnnxRuntimeError } from './error.ts';
import { ExternalFiles } from './external-files.ts';
import { type ExternalTensor, findExternalTensors, MalformedModelError } from './model-scan.ts';

/** A protobuf message cannot be larger. Bigger models keep their weights in external files. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

const FAIL = 1;
const INVALID_ARGUMENT = 2;
const NO_SUCH_FILE = 3;
const INVALID_PROTOBUF = 7;
const INVALID_GRAPH = 10;

/** Failures of code FAIL that come when the session is prepared, not when the graph is built. */
const PREPARATION = /^(tensorprotoutils|Deserialize tensor)/;

/**
 * A model read and checked, ready for ONNX Runtime. The bytes that were checked are the bytes that are loaded: the file is not
 * opened again, so nobody can put another one in its place in between.
 */
export class ModelSource {
  readonly bytes: Uint8Array;
  readonly #file: string | undefined;
  readonly #externalFiles: ExternalFiles | undefined;

  constructor(bytes: Uint8Array, file: string | undefined, externalFiles: ExternalFiles | undefined) {
    this.bytes = bytes;
    this.#file = file;
    this.#externalFiles = externalFiles;
  }

  /** Directory of the model's external data; undefined when it has none. */
  get externalFolder(): string | undefined {
    return this.#externalFiles?.folder;
  }

  /** Throws EngineError when external files were exchanged while ONNX Runtime read them. */
  async checkUnchanged(): Promise<void> {
    await this.#externalFiles?.checkUnchanged();
  }

  /**
   * ONNX Runtime's error in the words it has for loading from a path. It puts the path in front of what goes wrong up to building the
   * graph, not of what goes wrong when the session is prepared to run.
   */
  describe(error: unknown): unknown {
    if (this.#file === undefined || !(error instanceof OnnxRuntimeError)) return error;
    const buildsGraph =
      error.code === INVALID_GRAPH ||
      error.code === INVALID_ARGUMENT ||
      (error.code === FAIL && !PREPARATION.test(error.message));
    if (error.code === INVALID_PROTOBUF) return parsingFailed(this.#file, error);
    return buildsGraph ? loadFailed(this.#file, error.code, error.message, error) : error;
  }

  /** Gives the memory of a file back at once, not at the next garbage collection. Bytes that were handed in stay as they are. */
  free(): void {
    if (this.#file !== undefined && this.bytes.buffer instanceof ArrayBuffer) this.bytes.buffer.transfer(0);
  }
}

/** Reads a model from a path, or takes bytes as they are. Throws EngineError or OnnxRuntimeError. */
export async function readModel(model: string | Uint8Array): Promise<ModelSource> {
  if (typeof model === 'string') {
    const bytes = await readModelFile(model);
    const external = scan(bytes, model);
    return new ModelSource(
      bytes,
      model,
      external.length === 0 ? undefined : await ExternalFiles.check(path.dirname(model), external),
    );
  }
  const [external] = scan(model, undefined);
  if (external !== undefined) {
    throw new EngineError(
      `tensor '${external.tensor}' is kept in '${external.location}', but a model given as bytes has no files`,
    );
  }
  return new ModelSource(model, undefined, undefined);
}

function scan(bytes: Uint8Array, file: string | undefined): ExternalTensor[] {
  try {
    return findExternalTensors(bytes);
  } catch (error) {
    if (error instanceof MalformedModelError) throw parsingFailed(file, error);
    throw error;
  }
}

function parsingFailed(file: string | undefined, cause: unknown): OnnxRuntimeError {
  if (file === undefined)
    return new OnnxRuntimeError(INVALID_PROTOBUF, 'Failed to load model because protobuf parsing failed.', { cause });
  return loadFailed(file, INVALID_PROTOBUF, 'Protobuf parsing failed.', cause);
}

function loadFailed(file: string, code: number, problem: string, cause: unknown): OnnxRuntimeError {
  return new OnnxRuntimeError(code, `Load model from ${file} failed:${problem}`, { cause });
}

async function readModelFile(file: string): Promise<Uint8Array> {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
    throw new OnnxRuntimeError(
      NO_SUCH_FILE,
      `Load model from ${file} failed:Load model ${file} failed. File doesn't exist`,
      { cause },
    );
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new EngineError(`model ${file} is not a regular file`);
    if (stat.size > MAX_MODEL_BYTES) {
      throw new EngineError(`model ${file} has ${stat.size} bytes, an ONNX file can have ${MAX_MODEL_BYTES}`);
    }
    return await readFully(handle, stat.size, file);
  } finally {
    await handle.close();
  }
}

async function readFully(handle: FileHandle, size: number, file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let position = 0;
  while (position < size) {
    const { bytesRead } = await handle.read(bytes, position, size - position, position);
    if (bytesRead === 0) throw new EngineError(`model ${file} got shorter while it was read`);
    position += bytesRead;
  }
  return bytes;
}
