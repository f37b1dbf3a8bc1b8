import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Arns } from './arn.ts';
import { ArtifactStore, FileRoots } from './artifacts/index.ts';
import { systemClock } from './clock.ts';
import { controlPlaneOperations, Endpoints, ResourceTable, Tags } from './control-plane/index.ts';
import type { Credentials } from './credentials.ts';
import { EndpointManager, EndpointRecords, type FleetEnvironment, plannedInstances } from './deployments/index.ts';
import { Frontend, IdentityService, JsonService } from './frontend/index.ts';
import { SignatureVerifier } from './frontend/sigv4/index.ts';
import { type CompleteHostOptions, completeHostOptions, dataFolders, type HostOptions } from './host-options.ts';
import { CpuAllocator, cpuShare, ImageCatalog, isHealthy, ProcessProvider, ProcessTable } from './instances/index.ts';
import { type HostKeys, hostKeys } from './keys.ts';
import { defaultLaunchCommand } from './launch-command.ts';
import { createLineLog, type Log } from './log.ts';
import {
  bucketOfHost,
  EmbeddedAccess,
  ExternalAccess,
  ObjectStore,
  RoutedAccess,
  S3Service,
} from './object-store/index.ts';
import { RoutingTable } from './routing/index.ts';
import { AsyncInvocations, Invoker, MultiModelLoader, RuntimeService, Upstream } from './runtime/index.ts';
import { CONTROL_PLANE_MODEL, type EndpointConfigDefinition, type ModelDefinition } from './service-model/index.ts';
import { Database } from './store/index.ts';

/** Where a host listens, and what its clients need. */
export interface RunningHost {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** The pair that the host made for itself; absent when keys were configured (or nobody has to sign). */
  readonly keptCredentials:
    | { readonly credentials: Credentials; readonly file: string; readonly isNew: boolean }
    | undefined;
  /** `AWS_ENDPOINT_URL`, `AWS_DEFAULT_REGION` and, for kept credentials, the keys: what a client's environment needs. */
  readonly clientEnvironment: Readonly<Record<string, string>>;
}

/** A self-hosted SageMaker. */
export interface Host {
  /** Opens the data directory, brings endpoints back (in the background) and listens. Throws HostOptionError, StoreError, CredentialsError. */
  start(): Promise<RunningHost>;
  /** Refuses new requests, lets running ones end, ends all instances. The endpoints come back with the next host on the data directory. */
  stop(): Promise<void>;
}

const MAX_CONTROL_BODY_BYTES = 1024 * 1024;
const DRAIN_MARGIN_MS = 5000;
const MODEL_LOAD_WAIT_MS = 60_000;

/** Makes a host; nothing happens before `start`. Throws HostOptionError for options that contradict each other. */
export function createHost(options: HostOptions = {}): Host {
  const complete = completeHostOptions(options);
  let parts: HostParts | undefined;
  return {
    async start() {
      if (parts) throw new Error('the host has been started already');
      const started = new HostParts(complete);
      parts = started;
      try {
        return await started.start();
      } catch (error) {
        await started.stop();
        throw error;
      }
    },
    async stop() {
      await parts?.stop();
    },
  };
}

/** Everything a running host consists of; the only place where the parts meet. */
class HostParts {
  readonly #options: CompleteHostOptions;
  readonly #log: Log;
  readonly #database: Database;
  readonly #keys: HostKeys;
  readonly #provider: ProcessProvider;
  readonly #objects: ObjectStore;
  readonly #artifacts: ArtifactStore;
  readonly #manager: EndpointManager;
  readonly #upstream = new Upstream();
  readonly #async: AsyncInvocations;
  readonly #frontend: Frontend;
  #stopped: Promise<void> | undefined;

  constructor(options: CompleteHostOptions) {
    this.#options = options;
    const { region, accountId } = options;
    const { now } = systemClock;
    this.#log = createLineLog(options.writeLog, now);
    const images = new ImageCatalog(
      options.launchCommand ?? defaultLaunchCommand(),
      new Map(Object.entries(options.images)),
    );
    this.#database = new Database(options.dataDirectory);
    const database = this.#database;
    try {
      this.#keys = options.auth ? hostKeys(options) : { all: [], kept: undefined };
    } catch (error) {
      database.close();
      throw error;
    }
    const folders = dataFolders(options.dataDirectory);
    const arns = new Arns({ region, accountId });
    const records = new EndpointRecords(database, now);
    const routing = new RoutingTable();
    const tags = new Tags(database);
    this.#objects = new ObjectStore({ database, directory: folders.objects, now });
    const objects = new RoutedAccess(new EmbeddedAccess(this.#objects, database), this.#externalAccess(now));
    this.#artifacts = new ArtifactStore({
      directory: folders.artifacts,
      objects,
      files: new FileRoots(options.fileRoots),
      limits: options.unpackLimits,
    });
    this.#provider = new ProcessProvider({
      images,
      processes: new ProcessTable(database),
      logDirectory: folders.logs,
      region,
      hostEnvironment: options.environment,
      cpus: new CpuAllocator(),
      clock: systemClock,
      log: this.#log,
    });
    const environment: FleetEnvironment = {
      provider: this.#provider,
      isHealthy,
      drainTimeoutMs: options.invocationTimeoutMs + DRAIN_MARGIN_MS,
      stopGraceMs: options.stopGraceMs,
      clock: systemClock,
      log: this.#log,
      artifacts: this.#artifacts,
      multiModelDirectory: folders.multiModel,
      cpusPerInstance: () => {
        const planned = records.all().reduce((sum, record) => sum + plannedInstances(record), 0);
        return cpuShare(availableParallelism(), planned);
      },
    };
    this.#manager = new EndpointManager({ records, routing, environment });
    const table = { database, arns, tags, now };
    const models = new ResourceTable<ModelDefinition>({
      ...table,
      table: 'models',
      kind: 'model',
      label: 'model',
      maxCount: options.maxModels,
    });
    const configs = new ResourceTable<EndpointConfigDefinition>({
      ...table,
      table: 'endpoint_configs',
      kind: 'endpoint-config',
      label: 'endpoint configuration',
      maxCount: options.maxEndpointConfigs,
    });
    const endpoints = new Endpoints({ ...table, ...options, records, manager: this.#manager, models, configs });
    const multiModel = new MultiModelLoader({
      artifacts: this.#artifacts,
      upstream: this.#upstream,
      clock: systemClock,
      maxBytesPerInstance: options.multiModelBytes,
      loadWaitMs: MODEL_LOAD_WAIT_MS,
    });
    const invoker = new Invoker({ arns, routing, upstream: this.#upstream, multiModel, random: Math.random });
    this.#async = new AsyncInvocations({ database, invoker, routing, objects, clock: systemClock, log: this.#log });
    const identity = new IdentityService(accountId);
    const secrets = new Map(this.#keys.all.map((pair) => [pair.accessKeyId, pair.secretAccessKey]));
    const runtime = new RuntimeService({
      invoker,
      async: this.#async,
      maxBodyBytes: options.maxPayloadBytes,
      maxResponseBytes: options.maxPayloadBytes,
      invocationTimeoutMs: options.invocationTimeoutMs,
      streamTimeoutMs: options.streamTimeoutMs,
    });
    this.#frontend = new Frontend({
      log: this.#log,
      direct: runtime,
      verifier: options.auth
        ? new SignatureVerifier({
            secretOf: (id) => secrets.get(id),
            now,
            bucketOfHost: (host) => bucketOfHost(host, options.s3Domains),
          })
        : undefined,
      localNames: options.s3Domains,
      services: {
        sagemaker: new JsonService({
          targetPrefix: 'SageMaker',
          model: CONTROL_PLANE_MODEL,
          operations: controlPlaneOperations({ arns, models, configs, endpoints, tags, images }),
          maxBodyBytes: MAX_CONTROL_BODY_BYTES,
        }),
        'sagemaker-runtime': runtime,
        s3: new S3Service({ store: this.#objects, database, now, region, accountId, domains: options.s3Domains }),
        sts: identity,
        iam: identity,
      },
    });
  }

  async start(): Promise<RunningHost> {
    await this.#provider.reclaim();
    await this.#objects.recover();
    const recovered = this.#manager.recover();
    const { server } = this.#frontend;
    server.listen(this.#options.port, this.#options.address);
    await Promise.all([once(server, 'listening'), recovered]);
    this.#async.run();
    return this.#running();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    const closed = this.#frontend.close();
    this.#artifacts.close();
    await this.#async.close();
    await this.#manager.close();
    await closed;
    this.#upstream.close();
    this.#database.close();
  }

  #running(): RunningHost {
    const address = this.#frontend.server.address();
    if (address === null || typeof address === 'string') throw new Error('the host has no address');
    const host = this.#options.address;
    const shown = host.includes(':') ? `[${host}]` : host === '0.0.0.0' ? '127.0.0.1' : host;
    const url = `http://${shown}:${address.port}`;
    const { kept } = this.#keys;
    return {
      host,
      port: address.port,
      url,
      keptCredentials: kept,
      clientEnvironment: {
        AWS_ENDPOINT_URL: url,
        AWS_DEFAULT_REGION: this.#options.region,
        ...(kept && {
          AWS_ACCESS_KEY_ID: kept.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: kept.credentials.secretAccessKey,
        }),
      },
    };
  }

  #externalAccess(now: () => number): ExternalAccess | undefined {
    const { s3Endpoint: endpoint, region, s3AccessKey, s3SecretKey } = this.#options;
    if (!endpoint) return undefined;
    const [pair] = this.#keys.all;
    return new ExternalAccess({
      endpoint,
      region,
      now,
      accessKeyId: s3AccessKey ?? pair?.accessKeyId ?? '',
      secretAccessKey: s3SecretKey ?? pair?.secretAccessKey ?? '',
    });
  }
}
