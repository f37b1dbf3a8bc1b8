import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Sha256 } from '@aws-crypto/sha256-js';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  type DescribeEndpointOutput,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';

const ENTRY = fileURLToPath(new URL('host-process.ts', import.meta.url));
const CREDENTIALS = { accessKeyId: 'AKIABENCH', secretAccessKey: 'bench-secret' };
const NAME = 'bench';

export interface InstanceProcess {
  readonly pid: number;
  readonly port: number;
}

/** A host with one endpoint `bench` in service. */
export interface DeployedHost {
  readonly port: number;
  /** In the order of their starts. */
  readonly instances: readonly InstanceProcess[];
  cpuMicros(): number;
  describe(): Promise<DescribeEndpointOutput>;
  /** An InvokeEndpoint request as bytes, signed as boto3 does (body hash not announced) or as the JavaScript SDK does (announced). Valid for five minutes. */
  signedRequest(contentType: string, body: Uint8Array, announcesHash: boolean): Promise<Buffer>;
  stop(): Promise<void>;
}

function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return chunk.toString().trim();
}

/** Starts a host in `directory`, uploads `repository` as an archive and deploys it on `instances` instances. */
export async function deployHost(
  directory: string,
  repository: string,
  defaultModel: string,
  instances: number,
): Promise<DeployedHost> {
  const options = {
    port: 0,
    dataDirectory: join(directory, 'data'),
    accessKey: CREDENTIALS.accessKeyId,
    secretKey: CREDENTIALS.secretAccessKey,
  };
  const child = spawn(process.execPath, [ENTRY, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const started: InstanceProcess[] = [];
  child.stderr.on('data', (chunk: Buffer) => {
    for (const [, fields] of chunk.toString().matchAll(/container started (\{.*\})/g))
      started.push(JSON.parse(fields ?? '{}') as InstanceProcess);
  });
  const url = new URL(await firstLine(child));
  const settings = { endpoint: url.href, region: 'us-east-1', credentials: CREDENTIALS };
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const sagemaker = new SageMakerClient(settings);
  const archive = execFileSync('tar', ['-czf', '-', '-C', repository, '.'], {
    maxBuffer: 2 ** 30,
  });
  await s3.send(new CreateBucketCommand({ Bucket: NAME }));
  await s3.send(new PutObjectCommand({ Bucket: NAME, Key: 'model.tar.gz', Body: archive }));
  await sagemaker.send(
    new CreateModelCommand({
      ModelName: NAME,
      PrimaryContainer: {
        Image: 'tritonserver',
        ModelDataUrl: `s3://${NAME}/model.tar.gz`,
        Environment: { SAGEMAKER_TRITON_DEFAULT_MODEL_NAME: defaultModel },
      },
    }),
  );
  const variant = {
    VariantName: 'AllTraffic',
    ModelName: NAME,
    InstanceType: 'ml.c5.large',
    InitialInstanceCount: instances,
  } as const;
  await sagemaker.send(new CreateEndpointConfigCommand({ EndpointConfigName: NAME, ProductionVariants: [variant] }));
  await sagemaker.send(new CreateEndpointCommand({ EndpointName: NAME, EndpointConfigName: NAME }));
  const describe = (): Promise<DescribeEndpointOutput> =>
    sagemaker.send(new DescribeEndpointCommand({ EndpointName: NAME }));
  for (let endpoint = await describe(); endpoint.EndpointStatus !== 'InService'; endpoint = await describe()) {
    if (endpoint.EndpointStatus === 'Failed') throw new Error(endpoint.FailureReason ?? 'the endpoint failed');
  }
  return {
    port: Number(url.port),
    instances: started,
    cpuMicros: () => cpuMicros(child.pid ?? 0),
    describe,
    signedRequest: (contentType, body, announcesHash) => signedRequest(url, contentType, body, announcesHash),
    stop: async () => {
      s3.destroy();
      sagemaker.destroy();
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function signedRequest(url: URL, contentType: string, body: Uint8Array, announcesHash: boolean): Promise<Buffer> {
  const signer = new SignatureV4({
    credentials: CREDENTIALS,
    region: 'us-east-1',
    service: 'sagemaker',
    sha256: Sha256,
    applyChecksum: announcesHash,
  });
  const path = `/endpoints/${NAME}/invocations`;
  const { headers } = await signer.sign(
    new HttpRequest({
      method: 'POST',
      protocol: 'http:',
      hostname: url.hostname,
      port: Number(url.port),
      path,
      headers: { host: url.host, 'content-type': contentType, 'content-length': String(body.length) },
      body,
    }),
  );
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`), body]);
}
