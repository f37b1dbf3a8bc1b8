/** The members of the control plane's inputs that the host acts on. Everything else is kept and given back as it came. */
export interface S3DataSource {
  readonly S3Uri: string;
  readonly S3DataType: 'S3Prefix' | 'S3Object';
  readonly CompressionType: 'None' | 'Gzip';
}

export interface ContainerDefinition {
  readonly ContainerHostname?: string;
  readonly Image?: string;
  readonly Mode?: 'SingleModel' | 'MultiModel';
  readonly ModelDataUrl?: string;
  readonly ModelDataSource?: { readonly S3DataSource?: S3DataSource };
  readonly Environment?: Readonly<Record<string, string>>;
  readonly ModelPackageName?: string;
  readonly MultiModelConfig?: { readonly ModelCacheSetting?: 'Enabled' | 'Disabled' };
}

export interface ModelDefinition {
  readonly ModelName: string;
  readonly PrimaryContainer?: ContainerDefinition;
  readonly Containers?: readonly ContainerDefinition[];
  readonly InferenceExecutionConfig?: { readonly Mode: 'Serial' | 'Direct' };
}

export interface ProductionVariant {
  readonly VariantName: string;
  readonly ModelName?: string;
  readonly InitialInstanceCount?: number;
  readonly InstanceType?: string;
  readonly InitialVariantWeight?: number;
  readonly ModelDataDownloadTimeoutInSeconds?: number;
  readonly ContainerStartupHealthCheckTimeoutInSeconds?: number;
  readonly ServerlessConfig?: Readonly<Record<string, unknown>>;
  readonly ManagedInstanceScaling?: Readonly<Record<string, unknown>>;
  readonly RoutingConfig?: { readonly RoutingStrategy: string };
}

export interface EndpointConfigDefinition {
  readonly EndpointConfigName: string;
  readonly ProductionVariants: readonly ProductionVariant[];
  readonly ShadowProductionVariants?: readonly ProductionVariant[];
  readonly DataCaptureConfig?: {
    readonly EnableCapture?: boolean;
    readonly InitialSamplingPercentage: number;
    readonly DestinationS3Uri: string;
    readonly KmsKeyId?: string;
  };
  readonly AsyncInferenceConfig?: {
    readonly OutputConfig: { readonly S3OutputPath?: string; readonly S3FailurePath?: string };
    readonly ClientConfig?: { readonly MaxConcurrentInvocationsPerInstance?: number };
  };
  readonly ExplainerConfig?: unknown;
  readonly MetricsConfig?: unknown;
}

export interface TrafficSize {
  readonly Type: 'INSTANCE_COUNT' | 'CAPACITY_PERCENT';
  readonly Value: number;
}

export interface DeploymentConfig {
  readonly BlueGreenUpdatePolicy?: {
    readonly TrafficRoutingConfiguration: {
      readonly Type: 'ALL_AT_ONCE' | 'CANARY' | 'LINEAR';
      readonly WaitIntervalInSeconds: number;
      readonly CanarySize?: TrafficSize;
      readonly LinearStepSize?: TrafficSize;
    };
    readonly TerminationWaitInSeconds?: number;
    readonly MaximumExecutionTimeoutInSeconds?: number;
  };
  readonly RollingUpdatePolicy?: { readonly MaximumExecutionTimeoutInSeconds?: number };
}

/** A model's containers with the names that messages use for them. */
export interface NamedContainer {
  readonly name: string;
  readonly definition: ContainerDefinition;
}

/** `primary` for a single container; host names, else `container-1`, `container-2` … for several. */
export function containersOf(model: ModelDefinition): NamedContainer[] {
  if (model.PrimaryContainer) {
    return [{ name: model.PrimaryContainer.ContainerHostname ?? 'primary', definition: model.PrimaryContainer }];
  }
  const containers = model.Containers ?? [];
  return containers.map((definition, index) => ({
    name: definition.ContainerHostname ?? (containers.length === 1 ? 'primary' : `container-${index + 1}`),
    definition,
  }));
}

/** The one container that holds many models, if this is such a model. */
export function multiModelContainer(model: ModelDefinition): ContainerDefinition | undefined {
  return containersOf(model).find(({ definition }) => definition.Mode === 'MultiModel')?.definition;
}
