import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServerSetup } from './transcripts-types.ts';

/** Where the recorded models lie: the transcripts' own and Triton's example models beside them. */
export interface ModelSources {
  readonly directories: readonly string[];
}

export function modelSources(transcriptsDirectory: string): ModelSources {
  const candidates = [join(transcriptsDirectory, 'models'), join(transcriptsDirectory, '..', 'triton-examples')];
  return { directories: candidates.filter((directory) => existsSync(directory)) };
}

/** The models a set-up's `all` means: every one but the decoupled one and those without a model file. */
function everyModel(sources: ModelSources): string[] {
  return sources.directories
    .flatMap((directory) => readdirSync(directory, { withFileTypes: true }).map((entry) => ({ entry, directory })))
    .filter(
      ({ entry, directory }) =>
        entry.isDirectory() && entry.name !== 'repeat_int32' && existsSync(join(directory, entry.name, '1')),
    )
    .map(({ entry }) => entry.name);
}

/** Copies a recorded model into `target`, and the steps of an ensemble with it. */
function copyModel(name: string, sources: ModelSources, repository: string): void {
  const target = join(repository, name);
  if (existsSync(target)) return;
  const source = sources.directories.map((directory) => join(directory, name)).find((path) => existsSync(path));
  if (source === undefined) return;
  cpSync(source, target, { recursive: true });
  const configPath = join(target, 'config.pbtxt');
  if (!existsSync(configPath)) return;
  for (const match of readFileSync(configPath, 'utf8').matchAll(/model_name:\s*"([^"]+)"/g))
    copyModel(match[1] ?? '', sources, repository);
}

/** Builds the model repository of a set-up in the empty directory `repository`. */
export function buildRepository(setup: ServerSetup, sources: ModelSources, repository: string): void {
  mkdirSync(repository, { recursive: true });
  for (const name of setup.models === 'all' ? everyModel(sources) : setup.models) copyModel(name, sources, repository);
  for (const [model, text] of Object.entries(setup.patch ?? {})) {
    const path = join(repository, model, 'config.pbtxt');
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n${text}`);
  }
  for (const [model, files] of Object.entries(setup.extra ?? {})) {
    for (const [path, contents] of Object.entries(files)) write(join(repository, model, path), contents);
  }
}

/** Directories under /opt/ml/models that a multi-model set-up names; false when this machine does not let us make them. */
export function buildMultiModel(setup: ServerSetup, sources: ModelSources): { built: boolean; remove(): void } {
  const roots = Object.keys(setup.multiModel ?? {});
  const remove = () => {
    for (const root of roots) rmSync(dirname(root), { recursive: true, force: true });
  };
  try {
    for (const [root, models] of Object.entries(setup.multiModel ?? {})) {
      rmSync(dirname(root), { recursive: true, force: true });
      mkdirSync(root, { recursive: true });
      for (const model of models) copyModel(model, sources, root);
    }
    for (const [path, contents] of Object.entries(setup.multiModelFiles ?? {})) {
      const [hash = '', ...rest] = path.split('/');
      write(join('/opt/ml/models', hash, 'model', ...rest), contents);
    }
    return { built: true, remove };
  } catch {
    return { built: false, remove };
  }
}

export function write(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}
