import { parseLocation } from '../artifacts/index.ts';
import { messageOf, validationException } from '../errors.ts';
import type { EndpointConfigDefinition, ProductionVariant } from '../service-model/index.ts';

function checkVariant(variant: ProductionVariant, modelExists: (name: string) => void): void {
  const { VariantName: name } = variant;
  if (variant.ModelName === undefined) {
    throw validationException(`Variant "${name}" has no ModelName: inference components are not served by this host.`);
  }
  modelExists(variant.ModelName);
  if (variant.ServerlessConfig) {
    if (variant.InitialInstanceCount !== undefined || variant.InstanceType !== undefined) {
      throw validationException(
        `Variant "${name}" has a ServerlessConfig: InitialInstanceCount and InstanceType cannot be specified with it.`,
      );
    }
    return;
  }
  if (variant.InstanceType === undefined && !('InstancePools' in variant)) {
    throw validationException(`Variant "${name}" must have an InstanceType.`);
  }
  if (variant.InitialInstanceCount === undefined && variant.ManagedInstanceScaling === undefined) {
    throw validationException(`Variant "${name}" must have an InitialInstanceCount.`);
  }
}

function checkDestination(url: string | undefined, member: string): void {
  if (url === undefined) return;
  try {
    parseLocation(url);
  } catch (error) {
    throw validationException(`${member}: ${messageOf(error)}`);
  }
}

/** The rules of CreateEndpointConfig that are no constraints of single members. Throws ValidationException. */
export function checkEndpointConfig(config: EndpointConfigDefinition, modelExists: (name: string) => void): void {
  const production = config.ProductionVariants;
  const shadow = config.ShadowProductionVariants ?? [];
  if (shadow.length > 0 && (shadow.length > 1 || production.length > 1)) {
    throw validationException(
      'If ShadowProductionVariants is specified, there can be only one production variant and one shadow variant.',
    );
  }
  const names = [...production, ...shadow].map((variant) => variant.VariantName);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined)
    throw validationException(`The variant name "${repeated}" was non-unique within the request.`);
  for (const variant of [...production, ...shadow]) checkVariant(variant, modelExists);
  checkDestination(config.DataCaptureConfig?.DestinationS3Uri, 'DataCaptureConfig.DestinationS3Uri');
  checkDestination(
    config.AsyncInferenceConfig?.OutputConfig.S3OutputPath,
    'AsyncInferenceConfig.OutputConfig.S3OutputPath',
  );
  checkDestination(
    config.AsyncInferenceConfig?.OutputConfig.S3FailurePath,
    'AsyncInferenceConfig.OutputConfig.S3FailurePath',
  );
}
