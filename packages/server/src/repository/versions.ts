import { CONFIGS_DIRECTORY, INITIAL_STATE_DIRECTORY, type ModelConfig, WARMUP_DIRECTORY } from '../config/index.ts';
import type { Logger } from '../inference/index.ts';
import { joinPath, listSubdirectories } from './files.ts';
import { type ModelId, printModelId } from './model-id.ts';

const SOURCE = 'model_lifecycle.cc';
const OTHER_DIRECTORIES: readonly string[] = [WARMUP_DIRECTORY, INITIAL_STATE_DIRECTORY, CONFIGS_DIRECTORY];

/** A version that the policy chose. */
export interface VersionDirectory {
  readonly version: number;
  readonly path: string;
}

/** Where a problem with one version directory goes: a warning, or an error for a version that was asked for. */
export type VersionReport = (severity: 'warning' | 'error', message: string) => void;

/** The versions of a model that its policy wants and its directory has, ascending. @throws StatusError INTERNAL */
export async function versionsToLoad(
  id: ModelId,
  modelDirectory: string,
  config: ModelConfig,
  report: VersionReport,
): Promise<VersionDirectory[]> {
  const existing = versionDirectories(await listSubdirectories(modelDirectory), (message) =>
    report('warning', message),
  );
  const chosen = applyPolicy(config, [...existing.keys()], (version) => {
    report(
      'error',
      `version ${version} is specified for model '${printModelId(id)}', but the version directory is not present`,
    );
  });
  return chosen
    .sort((a, b) => a - b)
    .map((version) => ({ version, path: joinPath(modelDirectory, existing.get(version) as string) }));
}

/** Reports into the log, as loading a model does. */
export function logVersionReport(log: Logger): VersionReport {
  return (severity, message) => log[severity](message, SOURCE);
}

/** Directory names by version number. `3abc` is version 3: what follows the digits is not looked at. */
function versionDirectories(names: readonly string[], warn: (message: string) => void): Map<number, string> {
  const versions = new Map<number, string>();
  for (const name of names) {
    if (OTHER_DIRECTORIES.includes(name)) continue;
    if (name.length > 1 && name.startsWith('0')) {
      warn(`ignore version directory '${name}' which contains leading zeros in its directory name`);
      continue;
    }
    const digits = /^\s*[+-]?\d+/.exec(name)?.[0];
    const version = digits === undefined ? Number.NaN : Number(digits);
    if (!Number.isSafeInteger(version)) {
      warn(`ignore version directory '${name}' which fails to convert to integral number`);
    } else if (!versions.has(version)) {
      versions.set(version, name);
    }
  }
  return versions;
}

function applyPolicy(config: ModelConfig, existing: number[], missing: (version: bigint) => void): number[] {
  const policy = config.versionPolicy?.policyChoice;
  if (policy?.case === 'specific') {
    const wanted = new Set(policy.value.versions);
    for (const version of wanted) {
      if (!existing.some((candidate) => BigInt(candidate) === version)) missing(version);
    }
    return existing.filter((version) => wanted.has(BigInt(version)));
  }
  if (policy?.case === 'latest') return existing.sort((a, b) => b - a).slice(0, policy.value.numVersions);
  return existing;
}
