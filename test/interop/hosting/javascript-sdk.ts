import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  SageMakerClient,
  waitUntilEndpointDeleted,
  waitUntilEndpointInService,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';

export interface JavaScriptCase {
  readonly title: string;
  readonly run: () => Promise<void>;
}

export interface JavaScriptSettings {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly repositories: string;
  /** A JPEG that the ensemble calls bright. */
  readonly brightImage: string;
}

const IMAGE = '785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3';
const BINARY_TYPE = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
const BUCKET = 'javascript-models';

function pack(repositories: string, name: string): Buffer {
  return execFileSync('tar', ['-czf', '-', '-C', join(repositories, name), '.'], { maxBuffer: 1 << 28 });
}

/** The notebooks' calls, made by the AWS SDK for JavaScript v3. */
export function javaScriptCases(settings: JavaScriptSettings): JavaScriptCase[] {
  const { url, accessKeyId, secretAccessKey, repositories, brightImage } = settings;
  const shared = { endpoint: url, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } };
  const s3 = new S3Client({ ...shared, forcePathStyle: true });
  const sagemaker = new SageMakerClient(shared);
  const runtime = new SageMakerRuntimeClient(shared);

  const upload = async (repository: string, key: string): Promise<string> => {
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: pack(repositories, repository) }));
    return `s3://${BUCKET}/${key}`;
  };
  const deploy = async (name: string, container: object): Promise<void> => {
    await sagemaker.send(new CreateModelCommand({ ModelName: name, PrimaryContainer: { Image: IMAGE, ...container } }));
    const variant = {
      VariantName: 'AllTraffic',
      ModelName: name,
      InstanceType: 'ml.g4dn.4xlarge',
      InitialInstanceCount: 1,
    } as const;
    await sagemaker.send(new CreateEndpointConfigCommand({ EndpointConfigName: name, ProductionVariants: [variant] }));
    await sagemaker.send(new CreateEndpointCommand({ EndpointName: name, EndpointConfigName: name }));
    await waitUntilEndpointInService(
      { client: sagemaker, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
      { EndpointName: name },
    );
  };
  const remove = async (name: string): Promise<void> => {
    await sagemaker.send(new DeleteModelCommand({ ModelName: name }));
    await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }));
    await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }));
    await waitUntilEndpointDeleted(
      { client: sagemaker, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
      { EndpointName: name },
    );
  };
  const image = readFileSync(brightImage);
  const classify = async (name: string, more: { TargetModel?: string } = {}): Promise<void> => {
    const tensor = { name: 'INPUT', shape: [1, image.length], datatype: 'UINT8' };
    const json = await runtime.send(
      new InvokeEndpointCommand({
        EndpointName: name,
        ContentType: 'application/octet-stream',
        Body: JSON.stringify({ inputs: [{ ...tensor, data: [...image] }] }),
        ...more,
      }),
    );
    const [dark, bright] =
      (JSON.parse(json.Body.transformToString()) as { outputs: { data: number[] }[] }).outputs[0]?.data ?? [];
    assert.ok((bright ?? 0) > (dark ?? 1));
    const header = JSON.stringify({
      inputs: [{ ...tensor, parameters: { binary_data_size: image.length } }],
      outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }],
    });
    const binary = await runtime.send(
      new InvokeEndpointCommand({
        EndpointName: name,
        ContentType: `${BINARY_TYPE}${header.length}`,
        Body: Buffer.concat([Buffer.from(header), image]),
        ...more,
      }),
    );
    const headerBytes = Number(binary.ContentType?.slice(BINARY_TYPE.length));
    const scores = Buffer.from(binary.Body).subarray(headerBytes);
    assert.ok(scores.readFloatLE(4) > scores.readFloatLE(0));
  };

  return [
    {
      title: "the article's flow",
      run: async () => {
        const environment = { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: 'image_ensemble' };
        await deploy('js-article', {
          ModelDataUrl: await upload('image', 'article/model.tar.gz'),
          Environment: environment,
        });
        const { EndpointStatus } = await sagemaker.send(new DescribeEndpointCommand({ EndpointName: 'js-article' }));
        assert.equal(EndpointStatus, 'InService');
        await classify('js-article');
        await remove('js-article');
      },
    },
    {
      title: 'a multi-model endpoint',
      run: async () => {
        for (const name of ['one', 'two']) await upload('image', `many/${name}.tar.gz`);
        await deploy('js-many', { Mode: 'MultiModel', ModelDataUrl: `s3://${BUCKET}/many/` });
        for (const name of ['one', 'two']) await classify('js-many', { TargetModel: `${name}.tar.gz` });
        await remove('js-many');
      },
    },
    {
      title: 'a plain ONNX model',
      run: async () => {
        await deploy('js-onnx', { ModelDataUrl: await upload('onnx', 'onnx/model.tar.gz') });
        const inputs = ['INPUT0', 'INPUT1'].map((name) => ({
          name,
          shape: [1, 16],
          datatype: 'INT32',
          data: Array.from({ length: 16 }, (_, index) => index),
        }));
        const answer = await runtime.send(
          new InvokeEndpointCommand({
            EndpointName: 'js-onnx',
            ContentType: 'application/json',
            Body: JSON.stringify({ inputs }),
          }),
        );
        const { outputs } = JSON.parse(answer.Body.transformToString()) as {
          outputs: { name: string; data: number[] }[];
        };
        assert.deepEqual(
          outputs.find((output) => output.name === 'OUTPUT0')?.data,
          Array.from({ length: 16 }, (_, index) => 2 * index),
        );
        await remove('js-onnx');
      },
    },
  ];
}
