import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ModelRepositoryManager } from '../manager.ts';
import type { RepositoryOptions } from '../options.ts';
import { FakeLoader, FakeLog, type FakeVersion } from './fake-loader.ts';

/** A directory that goes when the test is over. */
export class TemporaryRepository implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param files contents by path; a path that ends in `/` is an empty directory */
  static async create(files: Readonly<Record<string, string>>): Promise<TemporaryRepository> {
    const repository = new TemporaryRepository(await mkdtemp(join(tmpdir(), 'nereid-test-')));
    await repository.write(files);
    return repository;
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, contents] of Object.entries(files)) {
      const target = join(this.path, path);
      if (path.endsWith('/')) await mkdir(target, { recursive: true });
      else {
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, contents);
      }
    }
  }

  /** Makes a file look changed, whatever the resolution of the file system's clock. */
  async touch(path: string): Promise<void> {
    const later = new Date(Date.now() + 60_000);
    await utimes(join(this.path, path), later, later);
  }

  remove(path: string): Promise<void> {
    return rm(join(this.path, path), { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

export interface Served {
  readonly manager: ModelRepositoryManager<FakeVersion>;
  readonly loader: FakeLoader;
  readonly log: FakeLog;
}

export function serve(paths: readonly string[], options: Partial<RepositoryOptions> = {}): Served {
  const loader = new FakeLoader();
  const log = new FakeLog();
  const all = { paths, controlMode: 'none', startupModels: [], autoComplete: true, ...options } as const;
  return { manager: new ModelRepositoryManager(all, loader, log), loader, log };
}

/** A model of the `identity` backend with one input IN and one output OUT. */
export function identityConfig(more = ''): string {
  return `backend: "identity" max_batch_size: 4
input { name: "IN" data_type: TYPE_FP32 dims: 4 } output { name: "OUT" data_type: TYPE_FP32 dims: 4 } ${more}`;
}

/** An ensemble of one step over `model`, from X to Y. */
export function ensembleConfig(model: string, version = -1, names = { input: 'IN', output: 'OUT' }): string {
  return `platform: "ensemble" max_batch_size: 4
input { name: "X" data_type: TYPE_FP32 dims: 4 } output { name: "Y" data_type: TYPE_FP32 dims: 4 }
ensemble_scheduling { step { model_name: "${model}" model_version: ${version}
  input_map { key: "${names.input}" value: "X" } output_map { key: "${names.output}" value: "Y" } } }`;
}
