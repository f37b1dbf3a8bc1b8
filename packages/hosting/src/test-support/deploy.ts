import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  type ContainerDefinition,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  type CreateEndpointConfigCommandInput,
  CreateModelCommand,
  type DescribeEndpointOutput,
  type ProductionVariant,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, type InvokeEndpointCommandInput } from '@aws-sdk/client-sagemaker-runtime';
import { IMAGE, modelArchive, settledEndpoint, type TestHost, tarGz } from './test-host.ts';

type Clients = Pick<TestHost, 's3' | 'sagemaker' | 'runtime'>;

export const BUCKET = 'models';

/** Uploads an archive whose model reports `version` and creates a model of that name. */
export async function createModel(
  { s3, sagemaker }: Clients,
  name: string,
  container: Partial<ContainerDefinition> = {},
): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${name}.tar.gz`, Body: modelArchive(name) }));
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: name,
      PrimaryContainer: { Image: IMAGE, ModelDataUrl: `s3://${BUCKET}/${name}.tar.gz`, ...container },
    }),
  );
}

export function variant(model: string, more: Partial<ProductionVariant> = {}): ProductionVariant {
  return { VariantName: 'AllTraffic', ModelName: model, InstanceType: 'ml.c5.large', InitialInstanceCount: 1, ...more };
}

export async function createConfig(
  { sagemaker }: Clients,
  name: string,
  variants: ProductionVariant[],
  more: Partial<CreateEndpointConfigCommandInput> = {},
): Promise<void> {
  await sagemaker.send(
    new CreateEndpointConfigCommand({ EndpointConfigName: name, ProductionVariants: variants, ...more }),
  );
}

/** Creates an endpoint of a configuration (by default one of the same name) and waits until it is settled. */
export async function createEndpoint(
  { sagemaker }: Clients,
  name: string,
  config = name,
): Promise<DescribeEndpointOutput> {
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: config }));
  return settledEndpoint(sagemaker, name);
}

/** Model, configuration and endpoint of one name with one variant. */
export async function deploy(
  host: Clients,
  name: string,
  more: Partial<ProductionVariant> = {},
): Promise<DescribeEndpointOutput> {
  await createModel(host, name);
  await createConfig(host, name, [variant(name, more)]);
  return createEndpoint(host, name);
}

export interface Report {
  readonly version?: string;
  readonly pid: number;
  readonly container?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly text?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly variantName?: string;
}

/** Invokes an endpoint of fake containers and reads their report. */
export async function invoke(
  { runtime }: Clients,
  EndpointName: string,
  more: Partial<InvokeEndpointCommandInput> = {},
): Promise<Report> {
  const { Body, InvokedProductionVariant } = await runtime.send(
    new InvokeEndpointCommand({ EndpointName, Body: '{}', ...more }),
  );
  return {
    ...(JSON.parse(Body.transformToString()) as Report),
    ...(InvokedProductionVariant && { variantName: InvokedProductionVariant }),
  };
}

/** An archive whose container prints `message` and exits. */
export function failingArchive(message: string): Buffer {
  return tarGz([{ name: './fail.txt', body: message }]);
}
