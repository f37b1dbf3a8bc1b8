import {
  containersOf,
  type DeploymentConfig,
  type EndpointConfigDefinition,
  type ModelDefinition,
  type ProductionVariant,
} from '../service-model/index.ts';

/** A variant with everything it needs to start instances: model and configuration may be deleted while it serves. */
export interface DeployedVariant {
  readonly name: string;
  readonly variant: ProductionVariant;
  readonly model: ModelDefinition;
  readonly desiredCount: number;
  readonly desiredWeight: number;
  /** By container: the unpacked copy of its model data, once there is one. */
  readonly cacheKeys: Readonly<Record<string, string>>;
}

/** What an endpoint runs, or is to run: a snapshot of its configuration and models. Kept as JSON. */
export interface Deployment {
  readonly id: string;
  readonly config: EndpointConfigDefinition;
  readonly variants: readonly DeployedVariant[];
}

/** A change of one variant's weight or number of instances. */
export interface VariantTarget {
  readonly name: string;
  readonly desiredCount?: number;
  readonly desiredWeight?: number;
}

/** The change that an endpoint is going through. */
export type PendingChange =
  | { readonly kind: 'create'; readonly deployment: Deployment }
  | {
      readonly kind: 'update';
      readonly deployment: Deployment;
      readonly deploymentConfig?: DeploymentConfig;
      readonly startedMs: number;
    }
  | { readonly kind: 'scale'; readonly targets: readonly VariantTarget[]; readonly startedMs: number };

/** Snapshot of a configuration; `modelOf` gives (or throws for) each variant's model. */
export function createDeployment(
  id: string,
  config: EndpointConfigDefinition,
  modelOf: (name: string) => ModelDefinition,
): Deployment {
  return {
    id,
    config,
    variants: config.ProductionVariants.map((variant) => ({
      name: variant.VariantName,
      variant,
      model: modelOf(variant.ModelName ?? ''),
      // A serverless variant has no instances of its own; one stands for it here.
      desiredCount: variant.InitialInstanceCount ?? 1,
      desiredWeight: variant.InitialVariantWeight ?? 1,
      cacheKeys: {},
    })),
  };
}

/** `deployment` with some weights and counts changed. Targets of other variants are ignored. */
export function withTargets(deployment: Deployment, targets: readonly VariantTarget[]): Deployment {
  const byName = new Map(targets.map((target) => [target.name, target]));
  return {
    ...deployment,
    variants: deployment.variants.map((variant) => ({
      ...variant,
      desiredCount: byName.get(variant.name)?.desiredCount ?? variant.desiredCount,
      desiredWeight: byName.get(variant.name)?.desiredWeight ?? variant.desiredWeight,
    })),
  };
}

/** Names of unpacked copies that a deployment's instances read. */
export function cacheKeysOf(deployment: Deployment | undefined): string[] {
  return deployment?.variants.flatMap((variant) => Object.values(variant.cacheKeys)) ?? [];
}

export function instanceCount(deployment: Deployment): number {
  return deployment.variants.reduce((sum, variant) => sum + variant.desiredCount, 0);
}

/** Images in the order of the containers, for `DeployedImages`. */
export function imagesOf(variant: DeployedVariant): string[] {
  return containersOf(variant.model).map(({ definition }) => definition.Image ?? '');
}
