import type { IndexEntry } from '../inference/index.ts';
import { listSubdirectoriesSync } from './files.ts';
import type { ModelLifecycle } from './lifecycle.ts';
import { compareModelIds, type ModelId, modelKey } from './model-id.ts';
import type { Registrations } from './registrations.ts';
import type { LoadedVersion } from './version-loader.ts';

const DUPLICATE_REASON = 'model appears in two or more repositories';

/**
 * Every model directory there is, by name, with the state of each version that was ever tried. A model that is not in a repository (its
 * files came with a load request) is not listed. @throws StatusError INTERNAL when a repository cannot be read
 */
export function repositoryIndex<Version extends LoadedVersion>(
  registrations: Registrations,
  lifecycle: ModelLifecycle<Version>,
  readyOnly: boolean,
): IndexEntry[] {
  const { models, duplicates } = findModels(registrations);
  const entries: IndexEntry[] = [];
  for (const id of [...models.values()].sort(compareModelIds)) {
    const key = modelKey(id);
    const versions = lifecycle.get(key);
    if (duplicates.has(key)) {
      entries.push({ name: id.name, version: -1, state: 'UNAVAILABLE', reason: DUPLICATE_REASON });
    } else if (!versions) {
      if (!readyOnly) entries.push({ name: id.name });
    } else {
      for (const { version, state, reason } of versions.sorted()) {
        if (readyOnly && state !== 'READY') continue;
        entries.push({ name: id.name, version, state, ...(reason === '' ? {} : { reason }) });
      }
    }
  }
  return entries;
}

function findModels(registrations: Registrations): { models: Map<string, ModelId>; duplicates: Set<string> } {
  const models = new Map<string, ModelId>();
  const duplicates = new Set<string>();
  for (const repository of registrations.repositories) {
    const mapped = registrations.mappedNames(repository);
    for (const directory of listSubdirectoriesSync(repository)) {
      const id = { namespace: registrations.namespaceOf(repository), name: mapped.get(directory) ?? directory };
      const key = modelKey(id);
      if (models.has(key)) duplicates.add(key);
      models.set(key, id);
    }
  }
  return { models, duplicates };
}
