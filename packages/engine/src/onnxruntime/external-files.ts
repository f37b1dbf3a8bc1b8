import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from './error.ts';
import type { ExternalTensor } from './model-scan.ts';

const MAX_FILES = 10_000;
const MAX_LOCATION_LENGTH = 4096;

/** What a file was when it was checked. */
type Fingerprint = string;

/**
 * The files in which a model keeps its weights. Only regular files inside the model's directory are accepted, named by a relative path
 * without `..`, reached through no symbolic link and having no other name (hard link).
 */
export class ExternalFiles {
  readonly folder: string;
  readonly #fingerprints: ReadonlyMap<string, Fingerprint>;

  private constructor(folder: string, fingerprints: ReadonlyMap<string, Fingerprint>) {
    this.folder = folder;
    this.#fingerprints = fingerprints;
  }

  /** Throws EngineError for the first tensor whose data may not be read, naming it, its location and the reason. */
  static async check(folder: string, tensors: readonly ExternalTensor[]): Promise<ExternalFiles> {
    const sizes = new Map<string, number>();
    const fingerprints = new Map<string, Fingerprint>();
    for (const tensor of tensors) {
      const known = sizes.get(tensor.location);
      if (known !== undefined) {
        checkRange(tensor, known);
        continue;
      }
      if (sizes.size >= MAX_FILES) throw refusal(tensor, `the model has more than ${MAX_FILES} external files`);
      const { size, fingerprint } = await inspect(folder, tensor);
      sizes.set(tensor.location, size);
      fingerprints.set(tensor.location, fingerprint);
      checkRange(tensor, size);
    }
    return new ExternalFiles(path.resolve(folder), fingerprints);
  }

  /** Throws EngineError when a file is not the one that was checked any more. */
  async checkUnchanged(): Promise<void> {
    for (const [location, fingerprint] of this.#fingerprints) {
      const tensor = { tensor: '', location, offset: undefined, length: undefined };
      const now = await inspect(this.folder, tensor);
      if (now.fingerprint !== fingerprint)
        throw new EngineError(`external data '${location}' changed while the model was loaded`);
    }
  }
}

async function inspect(folder: string, tensor: ExternalTensor): Promise<{ size: number; fingerprint: Fingerprint }> {
  const segments = splitLocation(tensor);
  let current = folder;
  for (const [index, segment] of segments.entries()) {
    current = path.join(current, segment);
    const stat = await lstat(current, { bigint: true }).catch((cause) => {
      throw refusal(tensor, 'it cannot be read', cause);
    });
    if (stat.isSymbolicLink()) throw refusal(tensor, 'it goes through a symbolic link');
    if (index < segments.length - 1) {
      if (!stat.isDirectory()) throw refusal(tensor, 'it goes through something that is not a directory');
      continue;
    }
    if (!stat.isFile()) throw refusal(tensor, 'it is not a regular file');
    if (stat.nlink > 1n) throw refusal(tensor, 'the file has another name too (hard link)');
    const fingerprint = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':');
    return { size: Number(stat.size), fingerprint };
  }
  throw refusal(tensor, 'it names no file');
}

function splitLocation(tensor: ExternalTensor): string[] {
  const { location } = tensor;
  if (location.length > MAX_LOCATION_LENGTH)
    throw refusal({ ...tensor, location: `${location.slice(0, 100)}…` }, 'it is too long');
  if (location.includes('\0')) throw refusal(tensor, 'it contains a NUL');
  // ONNX Runtime keeps names such as */_ORT_MEM_ADDR_/* for tensors whose "offset" is an address in its own memory.
  if (location.includes('*')) throw refusal(tensor, "it contains a '*'");
  if (path.posix.isAbsolute(location) || path.win32.isAbsolute(location) || /^[a-z]:/i.test(location)) {
    throw refusal(tensor, 'it is not relative to the model');
  }
  // A separator on one system and part of a name on another: what is checked must be what is opened.
  if (location.includes('\\')) throw refusal(tensor, 'it contains a backslash');
  const segments = location.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw refusal(tensor, 'it leaves the directory of the model');
  return segments;
}

function checkRange(tensor: ExternalTensor, size: number): void {
  const { offset = 0, length = 0 } = tensor;
  if (!(offset + length <= size))
    throw refusal(tensor, `bytes ${offset} to ${offset + length} are not in the file of ${size} bytes`);
}

function refusal(tensor: ExternalTensor, reason: string, cause?: unknown): EngineError {
  return new EngineError(`external data '${tensor.location}' of tensor '${tensor.tensor}' is refused: ${reason}`, {
    cause,
  });
}
