import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { DescribeEndpointCommand, type DescribeEndpointOutput, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { createHost, type Host, type HostOptions, type RunningHost } from '../index.ts';

export const ACCESS_KEY = 'AKIDEXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const IMAGE = '785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3';
const FAKE_CONTAINER = join(import.meta.dirname, 'fake-container.ts');

export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-hosting-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestHost {
  readonly host: Host;
  readonly running: RunningHost;
  readonly dataDirectory: string;
  readonly s3: S3Client;
  readonly sagemaker: SageMakerClient;
  readonly runtime: SageMakerRuntimeClient;
  readonly log: string[];
}

export interface ClientSettings {
  readonly url: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
}

/** The three SDK clients of a host; they do not retry, so that a test sees every answer. */
export function clients({ url, accessKeyId = ACCESS_KEY, secretAccessKey = SECRET_KEY }: ClientSettings): {
  s3: S3Client;
  sagemaker: SageMakerClient;
  runtime: SageMakerRuntimeClient;
} {
  const settings = {
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  };
  return {
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    sagemaker: new SageMakerClient(settings),
    runtime: new SageMakerRuntimeClient(settings),
  };
}

/** Options of a host that starts fake containers on a free port. */
export function testHostOptions(dataDirectory: string, log: string[]): HostOptions {
  return {
    port: 0,
    dataDirectory,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    launchCommand: [process.execPath, FAKE_CONTAINER],
    stopGraceMs: 2000,
    environment: { PATH: process.env['PATH'] },
    writeLog: (line) => void log.push(line),
  };
}

/** A running host with clients; stopped when the test ends. */
export async function startTestHost(context: TestContext, options: HostOptions = {}): Promise<TestHost> {
  const dataDirectory = options.dataDirectory ?? temporaryDirectory(context);
  const log: string[] = [];
  const host = createHost({ ...testHostOptions(dataDirectory, log), ...options });
  context.after(() => host.stop());
  const running = await host.start();
  const connected = clients({ url: running.url });
  context.after(() => {
    for (const client of Object.values(connected)) client.destroy();
  });
  return { host, running, dataDirectory, log, ...connected };
}

export type ArchiveMember = {
  readonly name: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly link?: string;
};

/** The bytes of a tar header; `size` may lie. */
export function tarHeader(member: ArchiveMember, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(member.name.slice(0, 100), 0, 'utf8');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(member.type ?? (member.name.endsWith('/') ? '5' : '0'), 156);
  header.write(member.link ?? '', 157, 100);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** An uncompressed tar archive. */
export function tar(members: readonly ArchiveMember[]): Buffer {
  const parts = members.flatMap((member) => {
    const body = Buffer.from(member.body ?? '');
    return [tarHeader(member, body.length), body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export function tarGz(members: readonly ArchiveMember[]): Buffer {
  return gzipSync(tar(members));
}

/** A model archive for the fake container. */
export function modelArchive(version: string): Buffer {
  return tarGz([{ name: './' }, { name: './version.txt', body: version }, { name: './1/' }]);
}

/** Polls until an endpoint's status is not one of those that pass, or the endpoint is gone. */
export async function settledEndpoint(client: SageMakerClient, name: string): Promise<DescribeEndpointOutput> {
  const passing = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'];
  for (;;) {
    const endpoint = await client.send(new DescribeEndpointCommand({ EndpointName: name }));
    if (!passing.includes(endpoint.EndpointStatus ?? '')) return endpoint;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
