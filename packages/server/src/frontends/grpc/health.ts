import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from '@nereid/protocol/grpc-health';
import type { InferenceServer } from '../../inference/index.ts';
import { type GrpcMethod, parseMessage, pathOfMethod, serializeMessage, unaryMethod } from './method.ts';
import { frameMessage } from './transport/encoded-message.ts';
import type { CallHandler, ServerCall } from './transport/server-call.ts';
import { SingleMessage } from './transport/single-message.ts';
import { GRPC_STATUS } from './transport/status.ts';

/** How often those who watch are told of a change. */
const WATCH_INTERVAL_MS = 500;

/** gRPC's health checking protocol. The server is one service: whichever is asked for, the answer is the server's. */
export class HealthService {
  readonly #server: InferenceServer;
  readonly #watches = new Set<Watch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(server: InferenceServer) {
    this.#server = server;
  }

  methods(): GrpcMethod[] {
    return [
      unaryMethod(Health.method.check, 'health', () => ({ status: this.status() })),
      {
        path: pathOfMethod(Health.method.watch),
        category: 'health',
        compressed: false,
        start: (call) => new Watch(this, call),
      },
    ];
  }

  status(): HealthCheckResponse_ServingStatus {
    const { SERVING, NOT_SERVING } = HealthCheckResponse_ServingStatus;
    return this.#server.isReady() ? SERVING : NOT_SERVING;
  }

  add(watch: Watch): void {
    this.#watches.add(watch);
    this.#timer ??= setInterval(() => {
      for (const each of this.#watches) each.look();
    }, WATCH_INTERVAL_MS).unref();
  }

  remove(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** One `Watch` call: the status now, and again whenever it changes. */
class Watch implements CallHandler {
  readonly #service: HealthService;
  readonly #call: ServerCall;
  readonly #message = new SingleMessage();
  #told: HealthCheckResponse_ServingStatus | undefined;

  constructor(service: HealthService, call: ServerCall) {
    this.#service = service;
    this.#call = call;
  }

  message(message: Buffer): void {
    this.#message.set(message);
  }

  halfClosed(): void {
    parseMessage(HealthCheckRequestSchema, this.#message.take());
    this.look();
    this.#service.add(this);
  }

  cancelled(): void {
    this.#service.remove(this);
  }

  stopping(): void {
    this.#tell(HealthCheckResponse_ServingStatus.NOT_SERVING);
    this.#service.remove(this);
    this.#call.finish({ code: GRPC_STATUS.UNAVAILABLE, message: 'Server is stopping' });
  }

  look(): void {
    this.#tell(this.#service.status());
  }

  #tell(status: HealthCheckResponse_ServingStatus): void {
    if (status === this.#told) return;
    this.#told = status;
    this.#call.send(frameMessage(serializeMessage(HealthCheckResponseSchema, { status })));
  }
}
