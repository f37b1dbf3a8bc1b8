import { randomUUID } from 'node:crypto';
import type { Arns } from '../arn.ts';
import {
  createDeployment,
  type Deployment,
  type EndpointManager,
  type EndpointRecord,
  type EndpointRecords,
  instanceCount,
  plannedInstances,
  TransitionError,
  type VariantTarget,
  withTargets,
} from '../deployments/index.ts';
import { ServiceError, validationException } from '../errors.ts';
import type { DeploymentConfig, EndpointConfigDefinition, ModelDefinition } from '../service-model/index.ts';
import type { Database } from '../store/index.ts';
import { describeEndpoint, epochSeconds } from './describe-endpoint.ts';
import { type ListInput, listPage } from './list-query.ts';
import type { ResourceTable } from './resources.ts';
import type { Tags } from './tags.ts';

export interface EndpointsOptions {
  readonly database: Database;
  readonly arns: Arns;
  readonly records: EndpointRecords;
  readonly manager: EndpointManager;
  readonly models: ResourceTable<ModelDefinition>;
  readonly configs: ResourceTable<EndpointConfigDefinition>;
  readonly tags: Tags;
  readonly maxEndpoints: number;
  readonly maxInstances: number;
  readonly now: () => number;
}

interface CreateInput {
  readonly EndpointName: string;
  readonly EndpointConfigName: string;
  readonly DeploymentConfig?: DeploymentConfig;
  readonly Tags?: unknown;
}

interface UpdateInput extends CreateInput {
  readonly RetainAllVariantProperties?: boolean;
  readonly ExcludeRetainedVariantProperties?: readonly { readonly VariantPropertyType: string }[];
  readonly RetainDeploymentConfig?: boolean;
}

interface ScaleInput {
  readonly EndpointName: string;
  readonly DesiredWeightsAndCapacities: readonly {
    readonly VariantName: string;
    readonly DesiredWeight?: number;
    readonly DesiredInstanceCount?: number;
  }[];
}

/** The control plane's endpoint operations. Each writes the endpoint's record first, then tells the manager to act on it. */
export class Endpoints {
  readonly #options: EndpointsOptions;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  create(input: CreateInput): { EndpointArn: string } {
    const { arns, records, maxEndpoints, tags, database, manager } = this.#options;
    const arn = arns.resource('endpoint', input.EndpointName);
    if (records.get(input.EndpointName)) throw validationException(`Cannot create already existing endpoint "${arn}".`);
    const all = records.all();
    if (all.length >= maxEndpoints) {
      throw new ServiceError('ResourceLimitExceeded', `This host keeps at most ${maxEndpoints} endpoints.`);
    }
    const deployment = this.#snapshot(input.EndpointConfigName);
    this.#checkInstances(deployment, instanceCount(deployment), 0);
    database.transaction(() => {
      records.insert(input.EndpointName, arn, { kind: 'create', deployment });
      if (input.DeploymentConfig) records.amend(input.EndpointName, { lastDeploymentConfig: input.DeploymentConfig });
      tags.add(arn, input.Tags);
    });
    manager.apply(input.EndpointName);
    return { EndpointArn: arn };
  }

  describe(name: string): unknown {
    const fleet = this.#options.manager.serving(name);
    return describeEndpoint(this.#get(name), (variantName) =>
      fleet ? { count: fleet.healthyCount(variantName), weight: fleet.weight(variantName) } : undefined,
    );
  }

  update(input: UpdateInput): { EndpointArn: string } {
    const record = this.#get(input.EndpointName);
    this.#assertChangeable(record);
    // As on AWS, the configuration in use has to exist still: what is replaced must be describable.
    this.#options.configs.get(record.configName);
    const fresh = this.#snapshot(input.EndpointConfigName);
    const deployment = input.RetainAllVariantProperties ? this.#retained(record, fresh, input) : fresh;
    this.#checkInstances(deployment, instanceCount(deployment), plannedInstances(record));
    const deploymentConfig =
      input.DeploymentConfig ?? (input.RetainDeploymentConfig ? record.lastDeploymentConfig : undefined);
    this.#begin(record, {
      kind: 'update',
      deployment,
      startedMs: this.#options.now(),
      ...(deploymentConfig && { deploymentConfig }),
    });
    return { EndpointArn: record.arn };
  }

  updateWeightsAndCapacities(input: ScaleInput): { EndpointArn: string } {
    const record = this.#get(input.EndpointName);
    this.#assertChangeable(record);
    const { active } = record;
    if (!active) throw validationException(`Cannot update in-progress endpoint "${record.arn}".`);
    const targets = this.#targets(record, active, input);
    const wanted = withTargets(active, targets);
    this.#checkInstances(wanted, instanceCount(wanted), plannedInstances(record));
    this.#begin(record, { kind: 'scale', targets, startedMs: this.#options.now() });
    return { EndpointArn: record.arn };
  }

  delete(name: string): void {
    const record = this.#get(name);
    try {
      this.#options.records.transition(name, 'delete', { pending: null });
    } catch (error) {
      throw this.#inProgress(error, record);
    }
    this.#options.manager.remove(name);
  }

  list(input: ListInput): unknown {
    const { items, nextToken } = listPage(this.#options.records.all(), input);
    return {
      Endpoints: items.map((record) => ({
        EndpointName: record.name,
        EndpointArn: record.arn,
        CreationTime: epochSeconds(record.createdMs),
        LastModifiedTime: epochSeconds(record.modifiedMs),
        EndpointStatus: record.status,
      })),
      NextToken: nextToken,
    };
  }

  /** Throws ValidationException when there is no such endpoint. */
  assertExists(name: string): void {
    this.#get(name);
  }

  #get(name: string): EndpointRecord {
    const record = this.#options.records.get(name);
    if (!record) {
      throw validationException(`Could not find endpoint "${this.#options.arns.resource('endpoint', name)}".`);
    }
    return record;
  }

  #snapshot(configName: string): Deployment {
    const { configs, models } = this.#options;
    const id = randomUUID().replaceAll('-', '');
    return createDeployment(id, configs.get(configName).definition, (name) => models.get(name).definition);
  }

  #begin(record: EndpointRecord, pending: NonNullable<EndpointRecord['pending']>): void {
    try {
      this.#options.records.transition(record.name, 'update', { pending, failureReason: null });
    } catch (error) {
      throw this.#inProgress(error, record);
    }
    this.#options.manager.apply(record.name);
  }

  #assertChangeable(record: EndpointRecord): void {
    if (record.status === 'Failed') {
      throw validationException(
        `Cannot update endpoint "${record.arn}" in Failed status: delete it and create it again.`,
      );
    }
    if (!['InService', 'OutOfService', 'UpdateRollbackFailed'].includes(record.status)) {
      throw validationException(`Cannot update in-progress endpoint "${record.arn}".`);
    }
  }

  #inProgress(error: unknown, record: EndpointRecord): unknown {
    if (!(error instanceof TransitionError)) return error;
    return validationException(`Cannot update in-progress endpoint "${record.arn}".`);
  }

  /** Weights and counts of the variants that both deployments have, but for what the caller excludes. */
  #retained(record: EndpointRecord, fresh: Deployment, input: UpdateInput): Deployment {
    const excluded = new Set(input.ExcludeRetainedVariantProperties?.map((property) => property.VariantPropertyType));
    const current = record.active?.variants ?? [];
    const targets = current.map(({ name, desiredCount, desiredWeight }) => ({
      name,
      ...(!excluded.has('DesiredInstanceCount') && { desiredCount }),
      ...(!excluded.has('DesiredWeight') && { desiredWeight }),
    }));
    return withTargets(fresh, targets);
  }

  #targets(record: EndpointRecord, active: Deployment, input: ScaleInput): VariantTarget[] {
    const names = input.DesiredWeightsAndCapacities.map((wanted) => wanted.VariantName);
    const known = new Set(active.variants.map((variant) => variant.name));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw validationException(
        `The variant name(s) "${unknown.join(', ')}" is/are not present within endpoint configuration "${record.configName}".`,
      );
    }
    const repeated = names.find((name, index) => names.indexOf(name) !== index);
    if (repeated !== undefined)
      throw validationException(`The variant name "${repeated}" was non-unique within the request.`);
    return input.DesiredWeightsAndCapacities.map((wanted) => ({
      name: wanted.VariantName,
      ...(wanted.DesiredInstanceCount !== undefined && { desiredCount: wanted.DesiredInstanceCount }),
      ...(wanted.DesiredWeight !== undefined && { desiredWeight: wanted.DesiredWeight }),
    }));
  }

  #checkInstances(deployment: Deployment, wanted: number, current: number): void {
    const { records, maxInstances } = this.#options;
    const used = records.all().reduce((sum, record) => sum + plannedInstances(record), 0);
    if (used - current + wanted <= maxInstances) return;
    const type = deployment.variants[0]?.variant.InstanceType ?? 'any';
    throw new ServiceError(
      'ResourceLimitExceeded',
      `The account-level service limit '${type} for endpoint usage' is ${maxInstances} Instances, with current utilization of ${used} Instances and a request delta of ${wanted - current} Instances. Please use --max-instances to raise the limit of this host.`,
    );
  }
}
