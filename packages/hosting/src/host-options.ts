import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULT_UNPACK_LIMITS, type UnpackLimits } from './artifacts/index.ts';
import { HostOptionError } from './host-option-error.ts';
import type { LaunchCommand } from './instances/index.ts';
import { isLoopback } from './loopback.ts';

/** All settings of a host; every one has a default. */
export interface HostOptions {
  /** Where to listen. Default 127.0.0.1. Anything else needs keys. */
  readonly address?: string;
  /** Default 9000; 0 takes a free one. */
  readonly port?: number;
  /** Everything the host keeps. Default `.nereid`. */
  readonly dataDirectory?: string;
  /** In ARNs. Default us-east-1. */
  readonly region?: string;
  /** Twelve digits, in ARNs. Default 123456789012. */
  readonly accountId?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Further pairs, in the form of `~/.aws/credentials`. */
  readonly keysFile?: string;
  /** False lets everybody in; refused on any address but loopback. */
  readonly auth?: boolean;
  /** An S3-compatible store for buckets that the embedded one has not. */
  readonly s3Endpoint?: string;
  readonly s3AccessKey?: string;
  readonly s3SecretKey?: string;
  /** Host names under which `bucket.<name>` addresses a bucket, beside localhost and S3's own. */
  readonly s3Domains?: readonly string[];
  /** Folders that `file://` model data may come from. Default: on loopback the working directory, else none. */
  readonly fileRoots?: readonly string[];
  /** What starts a container of Triton's images. Default: `nereid serve` of the installed package. */
  readonly launchCommand?: LaunchCommand;
  /** Commands for other images, by image name or URI. */
  readonly images?: Readonly<Record<string, LaunchCommand>>;
  /** Bytes of a request and of a response. Default 25 MiB each. */
  readonly maxPayloadBytes?: number;
  /** How long a container may take to answer. Default 60 s, for streamed answers 8 minutes. */
  readonly invocationTimeoutMs?: number;
  readonly streamTimeoutMs?: number;
  /** Memory for the models of one multi-model instance, counted as bytes of their files. Default: half of the machine's. */
  readonly multiModelBytes?: number;
  readonly unpackLimits?: Partial<UnpackLimits>;
  /** Quotas. Defaults 10,000, 10,000, 1000 and 64. */
  readonly maxModels?: number;
  readonly maxEndpointConfigs?: number;
  readonly maxEndpoints?: number;
  readonly maxInstances?: number;
  /** SIGKILL follows SIGTERM after this. Default 30 s. */
  readonly stopGraceMs?: number;
  /** Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Receives log lines. Default: standard error. */
  readonly writeLog?: (line: string) => void;
}

export interface CompleteHostOptions
  extends Required<
      Omit<
        HostOptions,
        | 'accessKey'
        | 'secretKey'
        | 'keysFile'
        | 's3Endpoint'
        | 's3AccessKey'
        | 's3SecretKey'
        | 'unpackLimits'
        | 'launchCommand'
      >
    >,
    Pick<HostOptions, 'accessKey' | 'secretKey' | 'keysFile' | 's3AccessKey' | 's3SecretKey' | 'launchCommand'> {
  readonly s3Endpoint: URL | undefined;
  readonly unpackLimits: UnpackLimits;
}

const MIB = 1024 * 1024;

function checkS3Endpoint(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new HostOptionError(`--s3-endpoint '${text}' is no http:// or https:// address`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new HostOptionError(
      '--s3-endpoint takes no user or password: give keys by --s3-access-key and --s3-secret-key',
    );
  }
  return url;
}

/** Fills in defaults and checks what contradicts itself. Throws HostOptionError. */
export function completeHostOptions(options: HostOptions): CompleteHostOptions {
  const address = options.address ?? '127.0.0.1';
  const accountId = options.accountId ?? '123456789012';
  const region = options.region ?? 'us-east-1';
  if (!/^\d{12}$/.test(accountId)) throw new HostOptionError(`--account '${accountId}' is not twelve digits`);
  if (!/^[a-z0-9-]{2,32}$/.test(region)) throw new HostOptionError(`--region '${region}' is no region name`);
  const port = options.port ?? 9000;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new HostOptionError(`--port '${port}' is not a port number`);
  const auth = options.auth ?? true;
  if (!auth && !isLoopback(address)) {
    throw new HostOptionError(
      `--no-auth lets everybody in: it is refused on '${address}', which others can reach. Listen on 127.0.0.1, or give keys.`,
    );
  }
  if ((options.accessKey === undefined) !== (options.secretKey === undefined)) {
    throw new HostOptionError('--access-key and --secret-key go together');
  }
  const max = options.maxPayloadBytes ?? 25 * MIB;
  return {
    ...options,
    address,
    port,
    dataDirectory: resolve(options.dataDirectory ?? '.nereid'),
    region,
    accountId,
    auth,
    s3Endpoint: checkS3Endpoint(options.s3Endpoint),
    s3Domains: [
      'localhost',
      's3.localhost',
      `s3.${region}.localhost`,
      `s3.${region}.amazonaws.com`,
      ...(options.s3Domains ?? []),
    ].sort((a, b) => b.length - a.length),
    fileRoots: (options.fileRoots ?? (isLoopback(address) ? ['.'] : [])).map((root) => resolve(root)),
    images: options.images ?? {},
    maxPayloadBytes: max,
    invocationTimeoutMs: options.invocationTimeoutMs ?? 60_000,
    streamTimeoutMs: options.streamTimeoutMs ?? 480_000,
    multiModelBytes: options.multiModelBytes ?? Math.floor(totalmem() / 2),
    unpackLimits: { ...DEFAULT_UNPACK_LIMITS, ...options.unpackLimits },
    maxModels: options.maxModels ?? 10_000,
    maxEndpointConfigs: options.maxEndpointConfigs ?? 10_000,
    maxEndpoints: options.maxEndpoints ?? 1000,
    maxInstances: options.maxInstances ?? Math.max(64, 4 * availableParallelism()),
    stopGraceMs: options.stopGraceMs ?? 30_000,
    environment: options.environment ?? process.env,
    writeLog: options.writeLog ?? ((line) => void process.stderr.write(line)),
  };
}

/** Folders inside the data directory. */
export function dataFolders(
  dataDirectory: string,
): Readonly<Record<'artifacts' | 'logs' | 'multiModel' | 'objects', string>> {
  return {
    artifacts: join(dataDirectory, 'artifacts'),
    logs: join(dataDirectory, 'logs'),
    multiModel: join(dataDirectory, 'multi-model'),
    objects: join(dataDirectory, 'objects'),
  };
}
