import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import type { InferenceServer, Logger, RequestTracer, SharedMemory } from '../../inference/index.ts';
import { FrontendContext } from '../wire/context.ts';
import type { DirectRequest, DirectResponse, WireRequest, WireResponse } from '../wire/direct-exchange.ts';
import type { Frontend } from '../wire/frontend.ts';
import { GenerateCall } from '../wire/generate-call.ts';
import { InferCall } from '../wire/infer-call.ts';
import type { InferProtocol } from '../wire/infer-protocol.ts';
import { readJsonBody } from '../wire/json-body.ts';
import { jsonOutput } from '../wire/json-output.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../wire/limits.ts';
import { HttpListener, type HttpListenOptions, type ListenAddress } from '../wire/listener.ts';
import { pathOf } from '../wire/path.ts';
import { methodNotAllowed, send, sendEmpty, sendError, TEXT_TYPE } from '../wire/reply.ts';
import { type ApiCategory, NO_RESTRICTIONS, type Restrictions, refusedByRestriction } from '../wire/restrictions.ts';
import { readLoadRequest } from './decode.ts';
import { responseHeaders } from './encode.ts';
import type { SagemakerSettings } from './environment.ts';
import { sendLoadError, sendModelError } from './errors.ts';
import { jsonLength, targetModel } from './headers.ts';
import { MultiModelRegistry } from './models.ts';
import { findSagemakerRoute, type SagemakerRoute } from './routes.ts';

/** Of the requests that need no more of HTTP than a body. */
const INVOKE_PATH = /^(\/invocations|\/models\/[^/?#\s]+\/invoke)$/;

export interface SagemakerFrontendOptions extends HttpListenOptions {
  readonly log: Logger;
  /** From the environment: `sagemakerSettings(process.env)`. */
  readonly settings: SagemakerSettings;
  readonly limits?: Partial<HttpLimits> | undefined;
  /** Those of the HTTP front end hold here too. */
  readonly restrictions?: Restrictions | undefined;
  /** Directory below which SageMaker unpacks the models of a multi-model endpoint. */
  readonly modelsRoot?: string | undefined;
  /** Regions registered elsewhere; requests may name them. */
  readonly sharedMemory?: SharedMemory | undefined;
  /** Not given: no request is traced. */
  readonly tracer?: RequestTracer | undefined;
}

const MODELS_ROOT = '/opt/ml/models';

/** Nothing is packed on this port: codings are not looked at. */
const INFER_PROTOCOL: InferProtocol = {
  jsonLength,
  requestCoding: () => 'identity',
  responseCoding: () => 'identity',
  responseHeaders,
  sendError,
  unsupportedCoding: () => {},
};
const MULTI_MODEL_PROTOCOL: InferProtocol = { ...INFER_PROTOCOL, sendError: sendModelError };

/** The container side of SageMaker's contract: `/ping`, `/invocations` and, for multi-model endpoints, `/models`. */
export function createSagemakerFrontend(server: InferenceServer, options: SagemakerFrontendOptions): Frontend {
  return new SagemakerFrontend(server, options);
}

class SagemakerFrontend implements Frontend {
  readonly #server: InferenceServer;
  readonly #settings: SagemakerSettings;
  readonly #context: FrontendContext;
  readonly #listener: HttpListener;
  readonly #models: MultiModelRegistry;
  readonly #log: Logger;

  constructor(server: InferenceServer, options: SagemakerFrontendOptions) {
    const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
    this.#server = server;
    this.#settings = options.settings;
    this.#log = options.log;
    this.#models = new MultiModelRegistry(server, options.modelsRoot ?? MODELS_ROOT);
    this.#listener = new HttpListener(
      options,
      limits,
      {
        apiOf,
        handle: (req, res) => this.#handle(req, res),
        direct:
          options.settings.inferenceType === 'infer'
            ? { path: INVOKE_PATH, handle: (req, res) => this.#handleDirect(req, res) }
            : undefined,
      },
      options.log,
    );
    this.#context = new FrontendContext({
      server,
      limits,
      restrictions: options.restrictions ?? NO_RESTRICTIONS,
      log: options.log,
      headerForwardPattern: '',
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
      const route = findSagemakerRoute(pathOf(req.url ?? ''));
      if (route === undefined) sendEmpty(res, 400);
      else if (route.kind === 'ping') this.#ping(req, res);
      else if (route.kind === 'invocations') this.#invocations(req, res);
      else this.#modelsRoute(route, req, res);
    } catch (error) {
      sendError(res, StatusError.from(error));
    }
  }

  #handleDirect(req: DirectRequest, res: DirectResponse): void {
    try {
      const route = findSagemakerRoute(pathOf(req.url));
      if (route?.kind === 'models') this.#invoke(route.model, req, res);
      else if (!this.#restricted('inference', req, res)) this.#infer(req, res);
    } catch (error) {
      sendError(res, StatusError.from(error));
    }
  }

  #infer(req: WireRequest, res: WireResponse): void {
    new InferCall(this.#context, INFER_PROTOCOL, req, res).start(this.#settings.defaultModelName, -1);
  }

  #restricted(category: ApiCategory, req: WireRequest, res: WireResponse): boolean {
    return refusedByRestriction(this.#context.restrictions, category, req, res);
  }

  #ping(req: IncomingMessage, res: ServerResponse): void {
    if (this.#restricted('health', req, res)) return;
    if (req.method !== 'GET') {
      methodNotAllowed(res);
      return;
    }
    const healthy = this.#settings.pingMode === 'live' ? this.#server.isLive() : this.#server.isReady();
    sendEmpty(res, healthy ? 200 : 400);
  }

  #invocations(req: IncomingMessage, res: ServerResponse): void {
    if (this.#restricted('inference', req, res)) return;
    if (req.method !== 'POST') {
      methodNotAllowed(res);
      return;
    }
    const { inferenceType, defaultModelName } = this.#settings;
    if (inferenceType === 'infer') this.#infer(req, res);
    else {
      const call = new GenerateCall(this.#context, req, res, {
        streaming: inferenceType === 'generate_stream',
        readsCodings: false,
      });
      call.start(defaultModelName, -1);
    }
  }

  #modelsRoute(route: Extract<SagemakerRoute, { kind: 'models' }>, req: IncomingMessage, res: ServerResponse): void {
    const { model, invoke } = route;
    switch (req.method) {
      case 'GET':
        if (!this.#restricted('model-repository', req, res)) this.#show(model, res);
        break;
      case 'POST':
        if (invoke) this.#invoke(model, req, res);
        else if (!this.#restricted('model-repository', req, res)) this.#load(req, res);
        break;
      case 'DELETE':
        if (!this.#restricted('model-repository', req, res)) this.#unload(model, req, res);
        break;
      default:
        sendEmpty(res, 400);
    }
  }

  #show(model: string, res: ServerResponse): void {
    if (model === '') {
      sendText(res, jsonOutput({ models: this.#models.list() }));
      return;
    }
    const repository = this.#models.repository(model);
    if (repository === undefined) sendEmpty(res, 404);
    else sendText(res, jsonOutput({ modelName: model, modelUrl: repository }));
  }

  #invoke(model: string, req: WireRequest, res: WireResponse): void {
    if (!this.#models.has(model)) {
      sendEmpty(res, 404);
      return;
    }
    if (this.#restricted('inference', req, res)) return;
    const target = targetModel(req) ?? model;
    this.#log.info(`Invoking SageMaker TargetModel: ${target}`, 'sagemaker_server.cc');
    new InferCall(this.#context, MULTI_MODEL_PROTOCOL, req, res).start(target, -1);
  }

  #load(req: IncomingMessage, res: ServerResponse): void {
    const fail = (error: StatusError): void => sendLoadError(res, error);
    readJsonBody(this.#context, req, res, { emptyAllowed: true, fail }, async (document) => {
      const request = readLoadRequest(document);
      const target = targetModel(req) ?? request.modelName;
      this.#log.info(`Loading SageMaker TargetModel: ${target}`, 'sagemaker_server.cc');
      sendEmpty(res, (await this.#models.load(request, target)) ? 200 : 400);
    });
  }

  #unload(model: string, req: IncomingMessage, res: ServerResponse): void {
    if (!this.#models.has(model)) {
      sendEmpty(res, 404);
      return;
    }
    const target = targetModel(req) ?? model;
    this.#log.info(`Unloading SageMaker TargetModel: ${target}`, 'sagemaker_server.cc');
    this.#models.unload(model, target).then(
      () => sendEmpty(res, 200),
      (error: unknown) => sendModelError(res, StatusError.from(error)),
    );
  }
}

function apiOf(path: string, method: string): ApiCategory | undefined {
  const route = findSagemakerRoute(path);
  if (route === undefined) return undefined;
  if (route.kind === 'ping') return 'health';
  const invokes = route.kind === 'invocations' || (route.invoke && method === 'POST');
  return invokes ? 'inference' : 'model-repository';
}

/** JSON that Triton labels as text. */
function sendText(res: ServerResponse, body: Uint8Array): void {
  send(res, 200, ['Content-Type', TEXT_TYPE], body);
}
