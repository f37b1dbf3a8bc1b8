import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import type { InferenceServer, Logger, RequestTracer, SharedMemory } from '../../inference/index.ts';
import { type TraceControl, TraceSettingsStore } from '../../observability/index.ts';
import { FrontendContext } from '../wire/context.ts';
import type { DirectRequest, DirectResponse, WireRequest, WireResponse } from '../wire/direct-exchange.ts';
import type { Frontend } from '../wire/frontend.ts';
import { GenerateCall } from '../wire/generate-call.ts';
import { InferCall } from '../wire/infer-call.ts';
import type { InferProtocol } from '../wire/infer-protocol.ts';
import { jsonOutput } from '../wire/json-output.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../wire/limits.ts';
import { HttpListener, type HttpListenOptions, type ListenAddress } from '../wire/listener.ts';
import { parseModelVersion } from '../wire/model-version.ts';
import { pathOf } from '../wire/path.ts';
import { methodNotAllowed, sendEmpty, sendError, sendJson } from '../wire/reply.ts';
import { type ApiCategory, NO_RESTRICTIONS, type Restrictions, refusedByRestriction } from '../wire/restrictions.ts';
import { bodyCoding, jsonLength } from './decode.ts';
import { answerCoding, responseHeaders } from './encode.ts';
import { notFound, unsupportedCoding } from './errors.ts';
import { changeLogging, type LogControl, showLogging } from './logging.ts';
import { modelConfig, modelMetadata, modelReady, modelStatistics, requireModel } from './models.ts';
import { loadModel, repositoryIndex, unloadModel } from './repository.ts';
import { findRoute, type ModelAction, type Route } from './routes.ts';
import { cudaSharedMemory, systemSharedMemory } from './shared-memory.ts';
import { changeTracing, showTracing } from './tracing.ts';

export interface HttpFrontendOptions extends HttpListenOptions {
  readonly log: Logger;
  /** What `/v2/logging` shows and changes. */
  readonly logControl: LogControl;
  /** What the trace settings routes show and change; settings without effect when not given. */
  readonly traceControl?: TraceControl | undefined;
  /** Not given: no request is traced. */
  readonly tracer?: RequestTracer | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  /** `--http-restricted-api` */
  readonly restrictions?: Restrictions | undefined;
  /** `--http-header-forward-pattern`; '' forwards nothing. */
  readonly headerForwardPattern?: string | undefined;
  /** Not given: no region is known and none can be registered. */
  readonly sharedMemory?: SharedMemory | undefined;
}

const INFER_PROTOCOL: InferProtocol = {
  jsonLength,
  requestCoding: bodyCoding,
  responseCoding: answerCoding,
  responseHeaders,
  sendError,
  unsupportedCoding,
};

const MODEL_CATEGORY: Readonly<Record<ModelAction, ApiCategory>> = {
  infer: 'inference',
  generate: 'inference',
  generate_stream: 'inference',
  ready: 'health',
  config: 'model-config',
  stats: 'statistics',
  metadata: 'metadata',
  'trace/setting': 'trace',
};

/**
 * The HTTP/REST front end: KServe v2 with Triton's extensions. Throws SyntaxError for a header pattern that is no regular expression, and
 * StatusError for TLS files that cannot be used.
 */
export function createHttpFrontend(server: InferenceServer, options: HttpFrontendOptions): Frontend {
  return new HttpFrontend(server, options);
}

/** Of the requests that need no more of HTTP than a body. */
const INFER_PATH = /^\/v2\/models\/[^/?#\s]+(\/versions\/[^/?#\s]+)?\/infer$/;

class HttpFrontend implements Frontend {
  readonly #server: InferenceServer;
  readonly #context: FrontendContext;
  readonly #listener: HttpListener;
  readonly #log: LogControl;
  readonly #tracing: TraceControl;

  constructor(server: InferenceServer, options: HttpFrontendOptions) {
    const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
    this.#server = server;
    this.#log = options.logControl;
    this.#tracing = options.traceControl ?? new TraceSettingsStore();
    this.#listener = new HttpListener(
      options,
      limits,
      {
        apiOf,
        handle: (req, res) => this.#handle(req, res),
        direct: { path: INFER_PATH, handle: (req, res) => this.#handleDirect(req, res) },
      },
      options.log,
    );
    this.#context = new FrontendContext({
      server,
      limits,
      restrictions: options.restrictions ?? NO_RESTRICTIONS,
      log: options.log,
      headerForwardPattern: options.headerForwardPattern ?? '',
      listener: this.#listener,
      sharedMemory: options.sharedMemory,
      tracer: options.tracer,
    });
  }

  listen(): Promise<ListenAddress> {
    return this.#listener.listen();
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  destroy(): void {
    this.#listener.destroy();
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    try {
      const route = findRoute(pathOf(req.url ?? ''));
      if (route === undefined) notFound(res);
      else if (!this.#restricted(route, req, res)) this.#dispatch(route, req, res);
    } catch (error) {
      sendError(res, StatusError.from(error));
    }
  }

  #handleDirect(req: DirectRequest, res: DirectResponse): void {
    try {
      const route = findRoute(pathOf(req.url));
      if (route?.kind !== 'model' || route.action !== 'infer') notFound(res);
      else if (!this.#restricted(route, req, res)) this.#infer(route.model, parseModelVersion(route.version), req, res);
    } catch (error) {
      sendError(res, StatusError.from(error));
    }
  }

  #infer(model: string, version: number, req: WireRequest, res: WireResponse): void {
    new InferCall(this.#context, INFER_PROTOCOL, req, res).start(model, version);
  }

  #restricted(route: Route, req: WireRequest, res: WireResponse): boolean {
    return refusedByRestriction(this.#context.restrictions, categoryOf(route), req, res);
  }

  #dispatch(route: Route, req: IncomingMessage, res: ServerResponse): void {
    switch (route.kind) {
      case 'model':
        this.#model(route.action, route.model, route.version, req, res);
        break;
      case 'control':
        this.#control(route, req, res);
        break;
      case 'sharedMemory':
        this.#sharedMemory(route, req, res);
        break;
      case 'index':
        if (req.method !== 'POST') methodNotAllowed(res);
        else repositoryIndex(this.#context, req, res);
        break;
      case 'logging':
        if (req.method === 'POST') changeLogging(this.#context, req, res, this.#log);
        else if (req.method === 'GET') showLogging(res, this.#log);
        else methodNotAllowed(res);
        break;
      case 'trace':
        this.#trace('', req, res);
        break;
      default:
        if (req.method !== 'GET') methodNotAllowed(res);
        else this.#read(route, res);
    }
  }

  #read(route: Extract<Route, { kind: 'serverMetadata' | 'health' | 'statistics' }>, res: ServerResponse): void {
    const server = this.#server;
    if (route.kind === 'statistics') {
      modelStatistics(server, res, '', -1);
    } else if (route.kind === 'serverMetadata') {
      sendJson(res, 200, jsonOutput({ name: server.id, version: server.version, extensions: server.extensions }));
    } else {
      const healthy = route.probe === 'live' ? server.isLive() : server.isReady();
      sendEmpty(res, healthy ? 200 : 400);
    }
  }

  #model(action: ModelAction, model: string, versionText: string, req: IncomingMessage, res: ServerResponse): void {
    if (action === 'trace/setting') {
      this.#trace(model, req, res);
      return;
    }
    const writes = action === 'infer' || action === 'generate' || action === 'generate_stream';
    if (req.method !== (writes ? 'POST' : 'GET')) {
      methodNotAllowed(res);
      return;
    }
    const version = parseModelVersion(versionText);
    switch (action) {
      case 'infer':
        this.#infer(model, version, req, res);
        break;
      case 'generate':
      case 'generate_stream':
        this.#generate(action === 'generate_stream', req, res).start(model, version);
        break;
      case 'ready':
        modelReady(this.#server, res, model, version);
        break;
      case 'metadata':
        modelMetadata(this.#server, res, model, version);
        break;
      case 'config':
        modelConfig(this.#server, res, model, version);
        break;
      case 'stats':
        modelStatistics(this.#server, res, model, version);
        break;
    }
  }

  #generate(streaming: boolean, req: IncomingMessage, res: ServerResponse): GenerateCall {
    return new GenerateCall(this.#context, req, res, { streaming, readsCodings: true });
  }

  #trace(model: string, req: IncomingMessage, res: ServerResponse): void {
    if (req.method !== 'GET' && req.method !== 'POST') {
      methodNotAllowed(res);
      return;
    }
    if (model !== '') requireModel(this.#server, model);
    if (req.method === 'GET') showTracing(res, this.#tracing, model);
    else changeTracing(this.#context, req, res, this.#tracing, model);
  }

  #control(route: Extract<Route, { kind: 'control' }>, req: IncomingMessage, res: ServerResponse): void {
    if (req.method !== 'POST') methodNotAllowed(res);
    else if (route.repository !== '') {
      sendError(res, new StatusError('UNSUPPORTED', "'repository_name' specification is not supported"));
    } else if (route.action === 'load') loadModel(this.#context, req, res, route.model);
    else unloadModel(this.#context, req, res, route.model);
  }

  #sharedMemory(route: Extract<Route, { kind: 'sharedMemory' }>, req: IncomingMessage, res: ServerResponse): void {
    const { memory, action, region } = route;
    if (req.method !== (action === 'status' ? 'GET' : 'POST')) methodNotAllowed(res);
    else if (memory === 'system') systemSharedMemory(this.#context, req, res, action, region);
    else cudaSharedMemory(this.#context, res, action, region);
  }
}

function apiOf(path: string): ApiCategory | undefined {
  const route = findRoute(path);
  return route === undefined ? undefined : categoryOf(route);
}

function categoryOf(route: Route): ApiCategory {
  switch (route.kind) {
    case 'model':
      return MODEL_CATEGORY[route.action];
    case 'serverMetadata':
      return 'metadata';
    case 'health':
      return 'health';
    case 'statistics':
      return 'statistics';
    case 'logging':
      return 'logging';
    case 'trace':
      return 'trace';
    case 'index':
    case 'control':
      return 'model-repository';
    case 'sharedMemory':
      return 'shared-memory';
  }
}
