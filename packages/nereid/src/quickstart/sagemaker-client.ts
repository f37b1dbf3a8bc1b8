import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AwsSdk } from './aws-sdk.ts';
import type { HostEnvironment } from './host-process.ts';
import { type InferBody, readScores } from './infer-client.ts';

/** The bucket that the SageMaker SDK would take. */
export const BUCKET = 'sagemaker-us-east-1-123456789012';
export const TRITON_IMAGE = '785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3';
export const ROLE = 'arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole';
export const BINARY_TYPE = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
export const JSON_TYPE = 'application/octet-stream';

const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 4;
const POLL_S = 0.1;
const MAX_WAIT_S = 120;

export interface DeployOptions {
  /** Of model, configuration and endpoint, as in the article. */
  readonly name: string;
  /** `s3://…/model.tar.gz`. */
  readonly modelDataUrl: string;
  readonly defaultModel: string;
}

export interface Invocation {
  /** One score per class. */
  readonly scores: readonly number[];
  /** As the client saw it. */
  readonly roundTripMs: number;
  readonly requestBytes: number;
}

/** The calls of the article's notebook, made with the AWS SDK for JavaScript: each one as a user would write it. */
export class SageMakerClient {
  readonly #sdk: AwsSdk;
  readonly #s3: InstanceType<AwsSdk['s3']['S3Client']>;
  readonly #sagemaker: InstanceType<AwsSdk['sagemaker']['SageMakerClient']>;
  readonly #runtime: InstanceType<AwsSdk['runtime']['SageMakerRuntimeClient']>;

  constructor(sdk: AwsSdk, environment: HostEnvironment) {
    const settings = {
      endpoint: environment.AWS_ENDPOINT_URL,
      region: environment.AWS_DEFAULT_REGION,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
      },
    };
    this.#sdk = sdk;
    this.#s3 = new sdk.s3.S3Client({ ...settings, forcePathStyle: true });
    this.#sagemaker = new sdk.sagemaker.SageMakerClient(settings);
    this.#runtime = new sdk.runtime.SageMakerRuntimeClient(settings);
  }

  /** Uploads a file in parts; tells how many bytes have arrived. Resolves to its `s3://` address. */
  async upload(file: string, key: string, onProgress: (sentBytes: number) => void): Promise<string> {
    await this.#s3.send(new this.#sdk.s3.CreateBucketCommand({ Bucket: BUCKET }));
    const upload = new this.#sdk.storage.Upload({
      client: this.#s3,
      params: { Bucket: BUCKET, Key: key, Body: createReadStream(file, { highWaterMark: PART_BYTES }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    upload.on('httpUploadProgress', ({ loaded }) => onProgress(loaded ?? 0));
    await upload.done();
    const { ContentLength } = await this.#s3.send(new this.#sdk.s3.HeadObjectCommand({ Bucket: BUCKET, Key: key }));
    const { size } = await stat(file);
    if (ContentLength !== size) throw new Error(`${key} has ${ContentLength} bytes in the store, ${file} has ${size}`);
    return `s3://${BUCKET}/${key}`;
  }

  /** create_model, create_endpoint_config, create_endpoint; resolves when the endpoint is `InService`, rejects with its FailureReason. */
  async deploy({ name, modelDataUrl, defaultModel }: DeployOptions): Promise<void> {
    const { CreateModelCommand, CreateEndpointConfigCommand, CreateEndpointCommand } = this.#sdk.sagemaker;
    await this.#sagemaker.send(
      new CreateModelCommand({
        ModelName: name,
        ExecutionRoleArn: ROLE,
        PrimaryContainer: {
          Image: TRITON_IMAGE,
          ModelDataUrl: modelDataUrl,
          Environment: { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: defaultModel },
        },
      }),
    );
    await this.#sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: name,
        ProductionVariants: [
          {
            VariantName: 'AllTraffic',
            ModelName: name,
            InstanceType: 'ml.g4dn.4xlarge',
            InitialInstanceCount: 1,
            InitialVariantWeight: 1,
          },
        ],
      }),
    );
    await this.#sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: name }));
    await this.#waitForService(name);
  }

  /** invoke_endpoint with a JSON body under `application/octet-stream`, or with a binary body under Triton's own type. */
  async invoke(name: string, { body, jsonLength }: InferBody): Promise<Invocation> {
    const startMs = performance.now();
    const answer = await this.#runtime.send(
      new this.#sdk.runtime.InvokeEndpointCommand({
        EndpointName: name,
        ContentType: jsonLength === undefined ? JSON_TYPE : `${BINARY_TYPE}${jsonLength}`,
        Body: body,
      }),
    );
    const roundTripMs = performance.now() - startMs;
    const type = answer.ContentType ?? '';
    const scores = readScores(answer.Body, type.startsWith(BINARY_TYPE) ? type.slice(BINARY_TYPE.length) : null);
    return { scores, roundTripMs, requestBytes: body.length };
  }

  /** Model, configuration and endpoint, in the article's order: the endpoint serves until it goes itself. */
  async remove(name: string): Promise<void> {
    const { DeleteModelCommand, DeleteEndpointConfigCommand } = this.#sdk.sagemaker;
    await this.#sagemaker.send(new DeleteModelCommand({ ModelName: name }));
    await this.#sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }));
    await this.#removeEndpoint(name);
  }

  /** Endpoints whose names begin with `prefix`, from a run that was broken off. */
  async removeLeftOver(prefix: string): Promise<void> {
    const { ListEndpointsCommand } = this.#sdk.sagemaker;
    const { Endpoints = [] } = await this.#sagemaker.send(new ListEndpointsCommand({ NameContains: prefix }));
    for (const { EndpointName = '' } of Endpoints) {
      if (EndpointName.startsWith(prefix)) await this.#removeEndpoint(EndpointName);
    }
  }

  close(): void {
    for (const client of [this.#s3, this.#sagemaker, this.#runtime]) client.destroy();
  }

  async #waitForService(name: string): Promise<void> {
    const { DescribeEndpointCommand, waitUntilEndpointInService } = this.#sdk.sagemaker;
    try {
      await waitUntilEndpointInService(this.#waiter(), { EndpointName: name });
    } catch (error) {
      const { FailureReason } = await this.#sagemaker.send(new DescribeEndpointCommand({ EndpointName: name }));
      if (FailureReason === undefined) throw error;
      throw new Error(`endpoint ${name} failed: ${FailureReason}`, { cause: error });
    }
  }

  async #removeEndpoint(name: string): Promise<void> {
    const { DeleteEndpointCommand, waitUntilEndpointDeleted } = this.#sdk.sagemaker;
    await this.#sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }));
    await waitUntilEndpointDeleted(this.#waiter(), { EndpointName: name });
  }

  #waiter() {
    return { client: this.#sagemaker, maxWaitTime: MAX_WAIT_S, minDelay: POLL_S, maxDelay: POLL_S };
  }
}
