import { join } from 'node:path';
import { type LogSettings, type ServerOptions, sagemakerSettings } from '@nereid/server';
import { cacheDirectory } from './cache-directory.ts';
import { FlagError, type FlagName, type FlagValues, type ParsedFlags } from './flags/index.ts';
import { grpcOptions } from './grpc-options.ts';
import { checkPorts, type Listener } from './port-collision.ts';
import { responseCacheBytes } from './response-cache.ts';
import { sagemakerRoot } from './sagemaker-entry.ts';
import { traceSettings, traceWarnings } from './trace-flags.ts';
import { PRODUCT_VERSION } from './version.ts';

export interface ServeOptions {
  readonly server: Omit<ServerOptions, 'log'>;
  readonly log: Partial<LogSettings>;
  readonly exitOnError: boolean;
  readonly exitTimeoutMs: number;
  /** For the user, before anything is started. */
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As in Triton there is no flag for it; a host that runs several containers without a network of their own says it by a variable. */
function sagemakerAddress(environment: Environment): string {
  return environment['SAGEMAKER_BIND_TO_ADDRESS'] || '0.0.0.0';
}

/** From flags to what the server is built from. Throws FlagError where flags contradict each other, StatusError for a cache that cannot be made. */
export function serveOptions({ values, given, warnings }: ParsedFlags, environment: Environment): ServeOptions {
  checkCombinations(values, given, environment);
  const tracing = traceSettings(values, environment);
  const repositories = [...values['model-repository'], ...values['model-store']];
  return {
    server: {
      id: values.id,
      version: PRODUCT_VERSION,
      strictReadiness: values['strict-readiness'],
      responseCacheBytes: responseCacheBytes(values),
      rateLimit: rateLimit(values),
      tracing,
      auth: authOptions(values),
      sharedMemory: {
        allowed: values['allow-client-shm'],
        access: values['client-shm-access'],
        keyPrefixes: values['client-shm-key-prefix'],
      },
      environment,
      repository: {
        paths: repositories,
        controlMode: values['model-control-mode'],
        startupModels: values['load-model'],
        autoComplete: !(values['disable-auto-complete-config'] || values['strict-model-config']),
        ...(values['model-config-name'] === '' ? {} : { modelConfigName: values['model-config-name'] }),
        namespacing: values['model-namespacing'],
        pollIntervalMs: values['repository-poll-secs'] * 1000,
        loadThreadCount: Math.max(1, values['model-load-thread-count']),
        loadRetryCount: Math.max(0, values['model-load-retry-count']),
        backendConfig: values['backend-config'],
        ...importCache(values['import-cache-directory'], environment),
      },
      ...frontEnds(values, environment),
    },
    log: {
      infoEnabled: values['log-info'],
      warningEnabled: values['log-warning'],
      errorEnabled: values['log-error'],
      verboseLevel: values['log-verbose'],
      format: values['log-format'],
      file: values['log-file'],
    },
    exitOnError: values['exit-on-error'],
    exitTimeoutMs: Math.max(0, values['exit-timeout-secs']) * 1000,
    warnings: [
      ...warnings,
      ...traceWarnings(values, given, tracing.mode),
      ...overridden(values, given),
      ...metricsWarnings(values['metrics-config']),
    ],
  };
}

function checkCombinations(values: FlagValues, given: ReadonlySet<FlagName>, environment: Environment): void {
  if (values['load-model'].length > 0 && values['model-control-mode'] !== 'explicit') {
    throw new FlagError("Error: Use of '--load-model' requires setting '--model-control-mode=explicit' as well.");
  }
  if (given.has('response-cache-byte-size') && given.has('cache-config')) {
    throw new FlagError(
      'Error: Incompatible flags --response-cache-byte-size and --cache-config both provided. Please provide one or the other.',
    );
  }
  if (values['auth-token-file'] === '' && values['auth-public-api'].size > 0) {
    throw new FlagError('Error: --auth-public-api means nothing without --auth-token-file.');
  }
  checkPorts(listeners(values, environment));
}

/** Undefined: everybody gets in. */
function authOptions(values: FlagValues): ServerOptions['auth'] {
  const tokenFile = values['auth-token-file'];
  return tokenFile === '' ? undefined : { tokenFile, publicApis: values['auth-public-api'] };
}

/** Undefined: no TLS. Throws FlagError for files that lack one another. */
function tlsOptions(values: FlagValues): { certificateFile: string; keyFile: string } | undefined {
  const [certificateFile, keyFile] = [values['http-tls-cert'], values['http-tls-key']];
  const clientRootFile = values['http-tls-client-ca'];
  if (certificateFile === '' && keyFile === '' && clientRootFile === '') return undefined;
  if (certificateFile === '' || keyFile === '') {
    throw new FlagError('Error: TLS for HTTP needs both --http-tls-cert and --http-tls-key.');
  }
  return { certificateFile, keyFile, ...(clientRootFile === '' ? {} : { clientRootFile }) };
}

function listeners(values: FlagValues, environment: Environment): Listener[] {
  const range = values['sagemaker-safe-port-range'];
  const all: readonly (Listener & { readonly allowed: boolean })[] = [
    { service: 'HTTP', allowed: values['allow-http'], address: values['http-address'], port: values['http-port'] },
    { service: 'GRPC', allowed: values['allow-grpc'], address: values['grpc-address'], port: values['grpc-port'] },
    {
      service: 'metrics',
      allowed: values['allow-metrics'],
      address: metricsAddress(values),
      port: values['metrics-port'],
    },
    {
      service: 'SageMaker',
      allowed: values['allow-sagemaker'],
      address: sagemakerAddress(environment),
      port: values['sagemaker-port'],
      ...(range === undefined ? {} : { safePortRange: range }),
    },
  ];
  return all.filter(({ allowed }) => allowed);
}

function metricsAddress(values: FlagValues): string {
  return values['metrics-address'] === '' ? values['http-address'] : values['metrics-address'];
}

function importCache(flag: string, environment: Environment): { cacheDirectory?: string } {
  if (flag === 'off') return {};
  return { cacheDirectory: flag === '' ? join(cacheDirectory(environment), 'imports') : flag };
}

/** Undefined: no rate limit. */
function rateLimit(values: FlagValues): ServerOptions['rateLimit'] {
  if (values['rate-limit'] === 'off') return undefined;
  return { resources: values['rate-limit-resource'] };
}

function counterLatencies(config: ReadonlyMap<string, string>): boolean {
  const text = config.get('counter_latencies') ?? 'true';
  if (/^(true|on|1)$/i.test(text)) return true;
  if (/^(false|off|0)$/i.test(text)) return false;
  throw new FlagError(`Bad option: "--metrics-config counter_latencies".\ninvalid value for bool option: ${text}`);
}

/** Settings of the metrics that nothing here follows. */
function metricsWarnings(config: ReadonlyMap<string, string>): string[] {
  const unknown = [...config.keys()].filter((name) => name !== 'counter_latencies');
  return unknown.map((name) => `--metrics-config ${name} has no effect yet`);
}

function overridden(values: FlagValues, given: ReadonlySet<FlagName>): string[] {
  const contradicts =
    values['disable-auto-complete-config'] && given.has('strict-model-config') && !values['strict-model-config'];
  return contradicts
    ? ["Overriding deprecated '--strict-model-config' from False to True in favor of '--disable-auto-complete-config'!"]
    : [];
}

function frontEnds(
  values: FlagValues,
  environment: Environment,
): Pick<ServerOptions, 'grpc' | 'http' | 'sagemaker' | 'metrics'> {
  const grpc = grpcOptions(values).grpc;
  const tls = tlsOptions(values);
  const shared = {
    limits: { maxInputBytes: values['http-max-input-size'] },
    restrictions: values['http-restricted-api'],
  };
  return {
    ...(grpc === undefined ? {} : { grpc }),
    ...(values['allow-http']
      ? {
          http: {
            ...shared,
            host: values['http-address'],
            port: values['http-port'],
            reusePort: values['reuse-http-port'],
            headerForwardPattern: values['http-header-forward-pattern'],
            tls,
          },
        }
      : {}),
    ...(values['allow-metrics']
      ? {
          metrics: {
            host: metricsAddress(values),
            port: values['metrics-port'],
            tls,
            cpuMetrics: values['allow-cpu-metrics'],
            intervalMs: values['metrics-interval-ms'],
            counterLatencies: counterLatencies(values['metrics-config']),
          },
        }
      : {}),
    ...(values['allow-sagemaker']
      ? {
          sagemaker: {
            ...shared,
            host: sagemakerAddress(environment),
            port: values['sagemaker-port'],
            settings: sagemakerSettings(environment),
            modelsRoot: join(sagemakerRoot(environment), 'models'),
          },
        }
      : {}),
  };
}
