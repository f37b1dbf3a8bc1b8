import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { StatusError } from '@nereid/protocol';
import { exists, joinPath } from './files.ts';
import { compareBytes, type ModelId } from './model-id.ts';

/** A model that a registered repository serves under another name than its directory's. */
interface Mapping {
  readonly repository: string;
  /** Name in the repository. */
  readonly directory: string;
  readonly modelDirectory: string;
}

export interface ModelLocation {
  readonly id: ModelId;
  readonly modelDirectory: string;
  readonly isMapped: boolean;
}

/** Where models may be: the repositories, and the names under which some of their directories are served. */
export class Registrations {
  readonly namespacing: boolean;
  readonly #repositories = new Set<string>();
  /** By model name. */
  readonly #mappings = new Map<string, Mapping>();

  constructor(paths: readonly string[], namespacing: boolean) {
    this.namespacing = namespacing;
    for (const path of paths) this.#repositories.add(isAbsolute(path) ? path : resolve(path));
  }

  /** In the order of their names. */
  get repositories(): readonly string[] {
    return [...this.#repositories].sort(compareBytes);
  }

  namespaceOf(repository: string): string {
    return this.namespacing ? repository : '';
  }

  isMapped(modelName: string): boolean {
    return this.#mappings.has(modelName);
  }

  /** The names under which directories of a repository are served, by directory name. */
  mappedNames(repository: string): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    for (const [name, mapping] of this.#mappings) {
      if (mapping.repository === repository) names.set(mapping.directory, name);
    }
    return names;
  }

  /** @param mapping directory name -> model name. @throws StatusError INVALID_ARG, ALREADY_EXISTS */
  register(repository: string, mapping: ReadonlyMap<string, string>): void {
    if (!statSync(repository, { throwIfNoEntry: false })?.isDirectory()) {
      throw new StatusError('INVALID_ARG', `failed to register '${repository}', repository not found`);
    }
    if (this.#repositories.has(repository)) {
      throw new StatusError('ALREADY_EXISTS', `model repository '${repository}' has already been registered`);
    }
    for (const name of mapping.values()) {
      if (!this.#mappings.has(name)) continue;
      const message = `failed to register '${name}', there is a conflicting mapping for '${name}'`;
      throw new StatusError('ALREADY_EXISTS', message);
    }
    this.#repositories.add(repository);
    for (const [directory, name] of mapping) {
      this.#mappings.set(name, { repository, directory, modelDirectory: joinPath(repository, directory) });
    }
  }

  /** @throws StatusError INVALID_ARG */
  unregister(repository: string): void {
    if (!this.#repositories.delete(repository)) {
      throw new StatusError('INVALID_ARG', `failed to unregister '${repository}', repository not found`);
    }
    for (const [name, mapping] of this.#mappings) {
      if (mapping.repository === repository) this.#mappings.delete(name);
    }
  }

  /** Where a model of this name is; `report` gets Triton's line for each thing wrong, and then nothing is returned for it. */
  async locate(modelName: string, report: (message: string) => void): Promise<ModelLocation[]> {
    const mapping = this.#mappings.get(modelName);
    const found = mapping
      ? await this.#locateMapped(modelName, mapping, report)
      : await this.#search(modelName, report);
    if (found.length === 0) report(`failed to poll model '${modelName}': model not found in any model repository.`);
    return found;
  }

  async #locateMapped(name: string, mapping: Mapping, report: (message: string) => void): Promise<ModelLocation[]> {
    const { modelDirectory, repository } = mapping;
    if (await exists(modelDirectory)) {
      return [{ id: { namespace: this.namespaceOf(repository), name }, modelDirectory, isMapped: true }];
    }
    report(`mapped path '${modelDirectory}' does not exist for model '${name}'`);
    return [];
  }

  async #search(name: string, report: (message: string) => void): Promise<ModelLocation[]> {
    const mapped = new Set([...this.#mappings.values()].map((mapping) => mapping.modelDirectory));
    const found: ModelLocation[] = [];
    for (const repository of this.repositories) {
      const modelDirectory = joinPath(repository, name);
      if (mapped.has(modelDirectory) || !(await exists(modelDirectory))) continue;
      if (found.length > 0 && !this.namespacing) {
        report(`failed to poll model '${name}': not unique across all model repositories`);
        return [];
      }
      found.push({ id: { namespace: this.namespaceOf(repository), name }, modelDirectory, isMapped: false });
    }
    return found;
  }
}
