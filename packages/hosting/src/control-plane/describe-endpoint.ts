import {
  type DeployedVariant,
  type Deployment,
  type EndpointRecord,
  imagesOf,
  type VariantTarget,
} from '../deployments/index.ts';
import type { EndpointConfigDefinition } from '../service-model/index.ts';

/** What a variant has at this moment, as against what it should have. */
export interface LiveVariant {
  readonly count: number;
  readonly weight: number;
}

/** Seconds since 1970, as AWS's JSON protocols write times. */
export function epochSeconds(timeMs: number): number {
  return timeMs / 1000;
}

function deployedImages(variant: DeployedVariant, createdMs: number): unknown {
  return imagesOf(variant).map((image) => ({
    SpecifiedImage: image,
    ResolvedImage: image,
    ResolutionTime: epochSeconds(createdMs),
  }));
}

function variantSummary(
  variant: DeployedVariant,
  live: LiveVariant | undefined,
  target: VariantTarget | undefined,
  createdMs: number,
): unknown {
  const serverless = variant.variant.ServerlessConfig;
  return {
    VariantName: variant.name,
    DeployedImages: deployedImages(variant, createdMs),
    CurrentWeight: live?.weight ?? variant.desiredWeight,
    DesiredWeight: target?.desiredWeight ?? variant.desiredWeight,
    ...(serverless
      ? { CurrentServerlessConfig: serverless, DesiredServerlessConfig: serverless }
      : { CurrentInstanceCount: live?.count ?? 0, DesiredInstanceCount: target?.desiredCount ?? variant.desiredCount }),
    ...(variant.variant.ManagedInstanceScaling && { ManagedInstanceScaling: variant.variant.ManagedInstanceScaling }),
    ...(variant.variant.RoutingConfig && { RoutingConfig: variant.variant.RoutingConfig }),
  };
}

function pendingSummary(deployment: Deployment, startedMs: number): unknown {
  return {
    EndpointConfigName: deployment.config.EndpointConfigName,
    StartTime: epochSeconds(startedMs),
    ProductionVariants: deployment.variants.map((variant) => ({
      VariantName: variant.name,
      DeployedImages: deployedImages(variant, startedMs),
      CurrentWeight: 0,
      DesiredWeight: variant.desiredWeight,
      CurrentInstanceCount: 0,
      DesiredInstanceCount: variant.desiredCount,
      ...(variant.variant.InstanceType && { InstanceType: variant.variant.InstanceType }),
      VariantStatus: [{ Status: 'Creating', StartTime: epochSeconds(startedMs) }],
    })),
  };
}

function captureSummary(capture: EndpointConfigDefinition['DataCaptureConfig']): unknown {
  if (!capture) return undefined;
  return {
    EnableCapture: capture.EnableCapture ?? false,
    // Captured data would be written by the runtime; this host keeps the settings only.
    CaptureStatus: 'Stopped',
    CurrentSamplingPercentage: capture.InitialSamplingPercentage,
    DestinationS3Uri: capture.DestinationS3Uri,
    KmsKeyId: capture.KmsKeyId ?? '',
  };
}

/** DescribeEndpoint's output. `liveOf` tells what of a variant is up. */
export function describeEndpoint(
  record: EndpointRecord,
  liveOf: (variantName: string) => LiveVariant | undefined,
): unknown {
  const { active, pending } = record;
  const targets = pending?.kind === 'scale' ? pending.targets : [];
  return {
    EndpointName: record.name,
    EndpointArn: record.arn,
    EndpointConfigName: record.configName,
    EndpointStatus: record.status,
    FailureReason: record.failureReason,
    CreationTime: epochSeconds(record.createdMs),
    LastModifiedTime: epochSeconds(record.modifiedMs),
    ProductionVariants: active?.variants.map((variant) =>
      variantSummary(
        variant,
        liveOf(variant.name),
        targets.find((target) => target.name === variant.name),
        record.createdMs,
      ),
    ),
    DataCaptureConfig: captureSummary(active?.config.DataCaptureConfig),
    AsyncInferenceConfig: active?.config.AsyncInferenceConfig,
    ExplainerConfig: active?.config.ExplainerConfig,
    MetricsConfig: active?.config.MetricsConfig,
    LastDeploymentConfig: record.lastDeploymentConfig,
    PendingDeploymentSummary:
      pending?.kind === 'update' ? pendingSummary(pending.deployment, pending.startedMs) : undefined,
  };
}
