import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactReference, ArtifactStore, PreparedArtifact } from '../artifacts/index.ts';
import type { ContainerSpec } from '../instances/index.ts';
import type { AsyncRoute, EndpointRoute, MultiModelRoute, RoutingStrategy, VariantRoute } from '../routing/index.ts';
import { containersOf, multiModelContainer, type NamedContainer } from '../service-model/index.ts';
import type { DeployedVariant, Deployment } from './deployment.ts';
import { VariantGroup, type VariantGroupOptions } from './variant-group.ts';

/** What fleets need from their surroundings, the same for all. */
export interface FleetEnvironment
  extends Pick<VariantGroupOptions, 'provider' | 'isHealthy' | 'drainTimeoutMs' | 'stopGraceMs' | 'clock' | 'log'> {
  readonly artifacts: ArtifactStore;
  /** Folder for the models of multi-model endpoints. */
  readonly multiModelDirectory: string;
  /** Cores for one more instance, now. */
  readonly cpusPerInstance: () => number;
}

const DEFAULT_DOWNLOAD_TIMEOUT_S = 3600;
const DEFAULT_STARTUP_TIMEOUT_S = 240;
const DEFAULT_ASYNC_CONCURRENCY = 4;

/** Where a container's model data is, by its definition. `undefined` for a container without any. */
export function artifactReference({ definition }: NamedContainer): ArtifactReference | undefined {
  const source = definition.ModelDataSource?.S3DataSource;
  if (source) {
    if (source.CompressionType === 'Gzip') return { url: source.S3Uri, form: 'archive' };
    return { url: source.S3Uri, form: source.S3DataType === 'S3Prefix' ? 'prefix' : 'object' };
  }
  return definition.ModelDataUrl === undefined ? undefined : { url: definition.ModelDataUrl, form: 'archive' };
}

function seconds(value: number | undefined, fallback: number): number {
  return (value ?? fallback) * 1000;
}

/** All variants of one deployment, with their instances. */
export class Fleet {
  readonly deployment: Deployment;
  readonly route: EndpointRoute;
  readonly #groups: ReadonlyMap<string, VariantGroup>;
  readonly #held: Held;

  private constructor(deployment: Deployment, groups: ReadonlyMap<string, VariantGroup>, held: Held) {
    this.deployment = deployment;
    this.#groups = groups;
    this.#held = held;
    this.route = { variants: [...groups.values()].map((group) => group.route), async: asyncRoute(deployment) };
  }

  /** Brings the model data to the disk. Starts nothing. Throws ArtifactError. */
  static async prepare(
    endpointName: string,
    deployment: Deployment,
    environment: FleetEnvironment,
    options: { persistent: boolean; signal: AbortSignal },
  ): Promise<Fleet> {
    const prepared: DeployedVariant[] = [];
    const groups = new Map<string, VariantGroup>();
    const held: Held = { directories: [], releases: [] };
    for (const variant of deployment.variants) {
      const { containers, cacheKeys, multiModelDirectory } = await prepareContainers(
        variant,
        deployment.id,
        environment,
        options.signal,
        held,
      ).catch(async (error: unknown) => {
        await letGo(held);
        throw error;
      });
      prepared.push({ ...variant, cacheKeys });
      const route = variantRoute(variant, multiModelDirectory);
      const group = new VariantGroup({
        ...environment,
        route,
        persistent: options.persistent,
        startTimeoutMs: seconds(variant.variant.ContainerStartupHealthCheckTimeoutInSeconds, DEFAULT_STARTUP_TIMEOUT_S),
        spec: () => ({ endpointName, variantName: variant.name, containers, cpus: environment.cpusPerInstance() }),
      });
      groups.set(variant.name, group);
    }
    return new Fleet({ ...deployment, variants: prepared }, groups, held);
  }

  /** Starts all instances. Rejects with InstanceStartError when one does not come up; the caller stops the fleet then. */
  async start(): Promise<void> {
    const starts = this.deployment.variants.map((variant) =>
      this.#groups.get(variant.name)?.scaleTo(variant.desiredCount),
    );
    await Promise.all(starts);
  }

  async scale(variantName: string, count: number): Promise<void> {
    await this.#groups.get(variantName)?.scaleTo(count);
  }

  setWeight(variantName: string, weight: number): void {
    const group = this.#groups.get(variantName);
    if (group) group.route.weight = weight;
  }

  healthyCount(variantName: string): number {
    return this.#groups.get(variantName)?.healthyCount ?? 0;
  }

  weight(variantName: string): number {
    return this.#groups.get(variantName)?.route.weight ?? 0;
  }

  /** Drains and ends all instances. */
  async stop(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
    await letGo(this.#held);
  }
}

/** What a fleet keeps on the disk while it lives. */
interface Held {
  readonly directories: string[];
  readonly releases: (() => void)[];
}

async function letGo(held: Held): Promise<void> {
  for (const release of held.releases.splice(0)) release();
  await Promise.all(held.directories.splice(0).map((directory) => rm(directory, { recursive: true, force: true })));
}

interface PreparedContainers {
  readonly containers: readonly ContainerSpec[];
  readonly cacheKeys: Readonly<Record<string, string>>;
  readonly multiModelDirectory: string | undefined;
}

async function prepareContainers(
  variant: DeployedVariant,
  deploymentId: string,
  environment: FleetEnvironment,
  signal: AbortSignal,
  held: Held,
): Promise<PreparedContainers> {
  const timeout = AbortSignal.timeout(
    seconds(variant.variant.ModelDataDownloadTimeoutInSeconds, DEFAULT_DOWNLOAD_TIMEOUT_S),
  );
  const limit = AbortSignal.any([signal, timeout]);
  const cacheKeys: Record<string, string> = {};
  let multiModelDirectory: string | undefined;
  const containers: ContainerSpec[] = [];
  for (const container of containersOf(variant.model)) {
    const { name, definition } = container;
    const common = { name, image: definition.Image ?? '', environment: definition.Environment ?? {} };
    if (definition.Mode === 'MultiModel') {
      const baseDirectory = join(environment.multiModelDirectory, deploymentId, variant.name);
      await mkdir(join(baseDirectory, 'models'), { recursive: true, mode: 0o700 });
      held.directories.push(baseDirectory);
      multiModelDirectory = baseDirectory;
      containers.push({ ...common, baseDirectory, multiModel: true });
      continue;
    }
    const artifact = await prepareArtifact(container, variant.cacheKeys[name], environment.artifacts, limit);
    held.releases.push(artifact.release);
    cacheKeys[name] = artifact.cacheKey;
    containers.push({ ...common, baseDirectory: artifact.baseDirectory, multiModel: false });
  }
  return { containers, cacheKeys, multiModelDirectory };
}

async function prepareArtifact(
  container: NamedContainer,
  cacheKey: string | undefined,
  artifacts: ArtifactStore,
  signal: AbortSignal,
): Promise<PreparedArtifact> {
  const kept = cacheKey === undefined ? undefined : await artifacts.reuse(cacheKey);
  return kept ?? artifacts.prepare(artifactReference(container), signal);
}

function variantRoute(variant: DeployedVariant, multiModelDirectory: string | undefined): VariantRoute {
  const { model } = variant;
  const strategy = variant.variant.RoutingConfig?.RoutingStrategy;
  return {
    name: variant.name,
    weight: variant.desiredWeight,
    strategy: (strategy === undefined || strategy === 'RANDOM'
      ? 'RANDOM'
      : 'LEAST_OUTSTANDING_REQUESTS') satisfies RoutingStrategy,
    instances: new Set(),
    execution: {
      mode: model.InferenceExecutionConfig?.Mode ?? 'Serial',
      containerNames: containersOf(model).map(({ name }) => name),
    },
    multiModel: multiModelRoute(variant, multiModelDirectory),
  };
}

function multiModelRoute(variant: DeployedVariant, baseDirectory: string | undefined): MultiModelRoute | undefined {
  const container = multiModelContainer(variant.model);
  if (!container || baseDirectory === undefined) return undefined;
  const url = artifactReference({ name: '', definition: container })?.url ?? '';
  return {
    modelDataPrefix: url.endsWith('/') ? url : `${url}/`,
    cacheEnabled: container.MultiModelConfig?.ModelCacheSetting !== 'Disabled',
    baseDirectory,
    downloadTimeoutMs: seconds(variant.variant.ModelDataDownloadTimeoutInSeconds, DEFAULT_DOWNLOAD_TIMEOUT_S),
  };
}

function asyncRoute({ config }: Deployment): AsyncRoute | undefined {
  const { AsyncInferenceConfig: async } = config;
  if (!async) return undefined;
  return {
    outputPath: async.OutputConfig.S3OutputPath,
    failurePath: async.OutputConfig.S3FailurePath,
    maxConcurrentPerInstance: async.ClientConfig?.MaxConcurrentInvocationsPerInstance ?? DEFAULT_ASYNC_CONCURRENCY,
  };
}
