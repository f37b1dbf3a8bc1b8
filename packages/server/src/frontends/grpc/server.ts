import type { DescService } from '@bufbuild/protobuf';
import { Health } from '@nereid/protocol/grpc-health';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import type { InferenceServer, RequestTracer, SharedMemory } from '../../inference/index.ts';
import { type TraceControl, TraceSettingsStore } from '../../observability/index.ts';
import type { RequestGate } from '../auth/index.ts';
import type { LogControl } from '../http/index.ts';
import type { Frontend } from '../wire/frontend.ts';
import { HeaderForwarding } from '../wire/header-forwarding.ts';
import type { ListenAddress, ListenOptions } from '../wire/listener.ts';
import { missingHeader, NO_RESTRICTIONS, type Restrictions } from '../wire/restrictions.ts';
import { GrpcContext } from './context.ts';
import { HealthService } from './health.ts';
import { StreamInferCall } from './infer/stream-call.ts';
import { UnaryInferCall } from './infer/unary-call.ts';
import { loggingMethods } from './logging.ts';
import { type GrpcMethod, pathOfMethod } from './method.ts';
import { modelMethods } from './models.ts';
import { ReflectionService } from './reflection.ts';
import { repositoryMethods } from './repository.ts';
import { sharedMemoryMethods } from './shared-memory.ts';
import { tracingMethods } from './tracing.ts';
import type { CompressionLevel } from './transport/compression.ts';
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from './transport/limits.ts';
import { GrpcListener } from './transport/listener.ts';
import { DEFAULT_KEEP_ALIVE, type KeepAliveOptions } from './transport/ping-policy.ts';
import type { ServerCall } from './transport/server-call.ts';
import { GRPC_STATUS, GrpcError } from './transport/status.ts';
import { readCredentials, type TlsOptions } from './transport/tls.ts';

export interface GrpcFrontendOptions extends ListenOptions {
  /** What the log settings call shows and changes. */
  readonly logControl: LogControl;
  /** What the trace settings call shows and changes; settings without effect when not given. */
  readonly traceControl?: TraceControl | undefined;
  /** Not given: no request is traced. */
  readonly tracer?: RequestTracer | undefined;
  readonly limits?: Partial<GrpcLimits> | undefined;
  readonly keepAlive?: Partial<KeepAliveOptions> | undefined;
  /** Not given: plain connections. */
  readonly tls?: TlsOptions | undefined;
  /** `--grpc-restricted-protocol` */
  readonly restrictions?: Restrictions | undefined;
  /** `--grpc-header-forward-pattern`; '' forwards nothing. */
  readonly headerForwardPattern?: string | undefined;
  /** `--grpc-infer-response-compression-level` */
  readonly compressionLevel?: CompressionLevel | undefined;
  /** Not given: everybody gets in. */
  readonly gate?: RequestGate | undefined;
  /** Not given: no region is known and none can be registered. */
  readonly sharedMemory?: SharedMemory | undefined;
}

/**
 * The gRPC front end: KServe v2 with Triton's extensions, health checks and reflection. Throws SyntaxError for a header pattern that is no
 * regular expression; `listen` rejects with StatusError for TLS files that cannot be read.
 */
export function createGrpcFrontend(server: InferenceServer, options: GrpcFrontendOptions): Frontend {
  return new GrpcFrontend(server, options);
}

class GrpcFrontend implements Frontend {
  readonly #context: GrpcContext;
  readonly #restrictions: Restrictions;
  readonly #methods: ReadonlyMap<string, GrpcMethod>;
  readonly #options: GrpcFrontendOptions;
  #listener: GrpcListener | undefined;

  constructor(server: InferenceServer, options: GrpcFrontendOptions) {
    this.#options = options;
    this.#restrictions = options.restrictions ?? NO_RESTRICTIONS;
    this.#context = new GrpcContext({
      server,
      limits: { ...DEFAULT_GRPC_LIMITS, ...options.limits },
      forwarding: new HeaderForwarding(options.headerForwardPattern ?? ''),
      compression: options.compressionLevel ?? 'none',
      sharedMemory: options.sharedMemory,
      tracer: options.tracer,
    });
    const services: readonly DescService[] = [GRPCInferenceService, Health];
    this.#methods = new Map(
      [
        ...inferenceMethods(this.#context),
        ...modelMethods(server),
        ...repositoryMethods(server),
        ...sharedMemoryMethods(options.sharedMemory),
        ...tracingMethods(server, options.traceControl ?? new TraceSettingsStore()),
        ...loggingMethods(options.logControl),
        ...new HealthService(server).methods(),
        ...new ReflectionService(services).methods(),
      ].map((method) => [method.path, method]),
    );
  }

  async listen(): Promise<ListenAddress> {
    const { host, port, reusePort, keepAlive, tls } = this.#options;
    this.#listener = new GrpcListener(
      {
        host,
        port,
        reusePort,
        limits: this.#context.limits,
        keepAlive: { ...DEFAULT_KEEP_ALIVE, ...keepAlive },
        tls: tls === undefined ? undefined : readCredentials(tls),
      },
      (call, path) => this.#start(call, path),
    );
    return this.#listener.listen();
  }

  async close(): Promise<void> {
    await this.#listener?.close();
  }

  destroy(): void {
    this.#listener?.destroy();
  }

  /** Throws GrpcError for a call that the gate or a restriction keeps out and for a path that is not served. */
  #start(call: ServerCall, path: string): void {
    const method = this.#methods.get(path);
    const denial = this.#options.gate?.denial(call.headers, method?.category);
    if (denial !== undefined) {
      const { UNAUTHENTICATED, PERMISSION_DENIED } = GRPC_STATUS;
      throw new GrpcError(denial.kind === 'unauthenticated' ? UNAUTHENTICATED : PERMISSION_DENIED, denial.message);
    }
    if (method === undefined) throw new GrpcError(GRPC_STATUS.UNIMPLEMENTED, '');
    const header = missingHeader(this.#restrictions, method.category, call.headers);
    if (header !== undefined) {
      throw new GrpcError(GRPC_STATUS.UNAVAILABLE, `This protocol is restricted, expecting header '${header}'`);
    }
    call.start(method.start(call), method.compressed ? this.#context.compression : 'none');
  }
}

function inferenceMethods(context: GrpcContext): GrpcMethod[] {
  const { modelInfer, modelStreamInfer } = GRPCInferenceService.method;
  return [
    {
      path: pathOfMethod(modelInfer),
      category: 'inference',
      compressed: true,
      start: (call) => new UnaryInferCall(context, call),
    },
    {
      path: pathOfMethod(modelStreamInfer),
      category: 'inference',
      compressed: true,
      start: (call) => new StreamInferCall(context, call),
    },
  ];
}
