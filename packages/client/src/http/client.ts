import { encodeInferRequest, InferResponseDecoder, StatusError } from '@nereid/protocol';
import type {
  CallOptions,
  ClientOptions,
  CudaSharedMemoryRegion,
  InferenceClient,
  InferOptions,
  InferRequest,
  InferResult,
  LoadOverrides,
  LogSettings,
  ModelConfig,
  ModelMetadata,
  ModelRef,
  ModelStatistics,
  RepositoryIndexEntry,
  ServerMetadata,
  SystemSharedMemoryRegion,
  TraceSettings,
  TraceSettingsUpdate,
  UnloadOptions,
} from '../api/index.ts';
import { invalidResponse } from '../errors/index.ts';
import { modelNameAndVersion, prepareRequest, toInferResult } from '../request/index.ts';
import {
  readCudaRegions,
  readIndex,
  readLogSettings,
  readModelConfig,
  readModelMetadata,
  readServerMetadata,
  readStatistics,
  readSystemRegions,
  readTraceSettings,
} from './answers.ts';
import { toBase64 } from './base64.ts';
import { compress } from './compress.ts';
import { fetchTransport } from './fetch-transport.ts';
import { type GenerateRequest, type GenerateResponse, generate, generateStream } from './generate.ts';
import { HttpCaller, path } from './http-caller.ts';
import type { Answer } from './json.ts';
import { readBody } from './read-body.ts';
import type { HttpResponse, HttpTransport } from './transport.ts';

export interface HttpClientOptions extends ClientOptions {
  /** What carries the requests. Default: `fetch`. In Node, `nodeTransport()` of `@nereid/client/node` is faster and has TLS options. */
  readonly transport?: HttpTransport;
}

const HEADER_LENGTH = 'inference-header-content-length';
const encoder = new TextEncoder();

/** A client over HTTP, for Node and browsers. */
export class HttpClient implements InferenceClient {
  readonly #caller: HttpCaller;
  readonly #decoder = new InferResponseDecoder();

  /** Throws InferenceServerError INVALID_ARG for a URL that is none. */
  constructor(options: HttpClientOptions) {
    this.#caller = new HttpCaller(options, options.transport ?? fetchTransport());
  }

  isServerLive(options: CallOptions = {}): Promise<boolean> {
    return this.#healthy('/v2/health/live', [400, 503], options);
  }

  isServerReady(options: CallOptions = {}): Promise<boolean> {
    return this.#healthy('/v2/health/ready', [400, 503], options);
  }

  async isModelReady(model: ModelRef, options: CallOptions = {}): Promise<boolean> {
    return await this.#healthy(`${modelPath(model)}/ready`, [400, 404, 503], options);
  }

  serverMetadata(options: CallOptions = {}): Promise<ServerMetadata> {
    return this.#get('/v2', options, readServerMetadata);
  }

  async modelMetadata(model: ModelRef, options: CallOptions = {}): Promise<ModelMetadata> {
    return await this.#get(modelPath(model), options, readModelMetadata);
  }

  async modelConfig(model: ModelRef, options: CallOptions = {}): Promise<ModelConfig> {
    return await this.#get(`${modelPath(model)}/config`, options, readModelConfig);
  }

  async statistics(model?: ModelRef, options: CallOptions = {}): Promise<readonly ModelStatistics[]> {
    const place = model === undefined ? '/v2/models' : modelPath(model);
    return await this.#get(`${place}/stats`, options, readStatistics);
  }

  async infer(model: ModelRef, request: InferRequest, options: InferOptions = {}): Promise<InferResult> {
    const { json, binaryParts, hasBinary } = encode(request);
    const headers = hasBinary
      ? { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(json.byteLength) }
      : { 'content-type': 'application/json' };
    return await this.#infer(model, headers, [json, ...binaryParts], options);
  }

  /**
   * Runs a model of one input with the bytes of that input and nothing else: name, data type and shape come from the model's configuration.
   * Outputs come back in binary. A BYTES input takes one element, without a length in front.
   */
  async inferRaw(model: ModelRef, bytes: Uint8Array, options: InferOptions = {}): Promise<InferResult> {
    const headers = { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: '0' };
    return await this.#infer(model, headers, [bytes], options);
  }

  /**
   * Runs a model through the generate extension: members named like inputs are tensors, all others parameters. The model must answer with
   * exactly one response; a tensor of one element comes back as that element, others as flat lists.
   */
  async generate(model: ModelRef, request: GenerateRequest, options: InferOptions = {}): Promise<GenerateResponse> {
    return await generate(this.#caller, `${modelPath(model)}/generate`, request, options);
  }

  /**
   * Like `generate`, for models that answer any number of times: iterate the responses as they come. Leaving the loop ends the call. An error
   * in the stream is thrown; the deadline is that of the whole stream.
   */
  generateStream(
    model: ModelRef,
    request: GenerateRequest,
    options: InferOptions = {},
  ): AsyncGenerator<GenerateResponse, void, undefined> {
    return generateStream(this.#caller, `${modelPath(model)}/generate_stream`, request, options);
  }

  repositoryIndex(
    filter: { readonly ready?: boolean } = {},
    options: CallOptions = {},
  ): Promise<readonly RepositoryIndexEntry[]> {
    const body = { ready: filter.ready ?? false };
    return this.#post('/v2/repository/index', body, true, options, readIndex);
  }

  async loadModel(name: string, overrides: LoadOverrides = {}, options: CallOptions = {}): Promise<void> {
    const { config, files = {} } = overrides;
    const parameters: [string, string][] = Object.entries(files).map(([file, bytes]) => [
      `file:${file}`,
      toBase64(bytes),
    ]);
    if (config !== undefined) {
      parameters.unshift(['config', typeof config === 'string' ? config : JSON.stringify(config)]);
    }
    const body = parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) };
    await this.#command(`/v2/repository/models${path(name)}/load`, body, options);
  }

  async unloadModel(name: string, unload: UnloadOptions = {}, options: CallOptions = {}): Promise<void> {
    const body = { parameters: { unload_dependents: unload.unloadDependents ?? false } };
    await this.#command(`/v2/repository/models${path(name)}/unload`, body, options);
  }

  async systemSharedMemoryStatus(
    name?: string,
    options: CallOptions = {},
  ): Promise<readonly SystemSharedMemoryRegion[]> {
    return await this.#get(regionPath('system', name, 'status'), options, readSystemRegions);
  }

  async registerSystemSharedMemory(
    region: Omit<SystemSharedMemoryRegion, 'offset'> & { readonly offset?: number },
    options: CallOptions = {},
  ): Promise<void> {
    const body = { key: region.key, offset: region.offset ?? 0, byte_size: region.byteSize };
    await this.#command(regionPath('system', region.name, 'register'), body, options);
  }

  async unregisterSystemSharedMemory(name?: string, options: CallOptions = {}): Promise<void> {
    await this.#command(regionPath('system', name, 'unregister'), {}, options);
  }

  async cudaSharedMemoryStatus(name?: string, options: CallOptions = {}): Promise<readonly CudaSharedMemoryRegion[]> {
    return await this.#get(regionPath('cuda', name, 'status'), options, readCudaRegions);
  }

  async registerCudaSharedMemory(
    region: CudaSharedMemoryRegion & { readonly rawHandle: Uint8Array },
    options: CallOptions = {},
  ): Promise<void> {
    const { rawHandle, deviceId, byteSize } = region;
    const body = { raw_handle: { b64: toBase64(rawHandle) }, device_id: deviceId, byte_size: byteSize };
    await this.#command(regionPath('cuda', region.name, 'register'), body, options);
  }

  async unregisterCudaSharedMemory(name?: string, options: CallOptions = {}): Promise<void> {
    await this.#command(regionPath('cuda', name, 'unregister'), {}, options);
  }

  async traceSettings(model?: string, options: CallOptions = {}): Promise<TraceSettings> {
    return await this.#get(tracePath(model), options, readTraceSettings);
  }

  async updateTraceSettings(
    update: TraceSettingsUpdate,
    model?: string,
    options: CallOptions = {},
  ): Promise<TraceSettings> {
    const settings = Object.entries(update).map(([name, value]) => [
      name,
      typeof value === 'number' ? `${value}` : value,
    ]);
    return await this.#post(tracePath(model), Object.fromEntries(settings), false, options, readTraceSettings);
  }

  logSettings(options: CallOptions = {}): Promise<LogSettings> {
    return this.#get('/v2/logging', options, readLogSettings);
  }

  updateLogSettings(update: LogSettings, options: CallOptions = {}): Promise<LogSettings> {
    return this.#post('/v2/logging', update, false, options, readLogSettings);
  }

  close(): void {
    this.#caller.close();
  }

  #healthy(place: string, statuses: readonly number[], options: CallOptions): Promise<boolean> {
    return this.#caller.empty({ method: 'GET', path: place, idempotent: true, statuses }, options);
  }

  #get<Value>(place: string, options: CallOptions, read: (answer: Answer) => Value): Promise<Value> {
    return this.#caller.json({ method: 'GET', path: place, idempotent: true }, options, read);
  }

  #post<Value>(
    place: string,
    body: object,
    idempotent: boolean,
    options: CallOptions,
    read: (answer: Answer) => Value,
  ): Promise<Value> {
    return this.#caller.json({ ...jsonPost(place, body), idempotent }, options, read);
  }

  async #command(place: string, body: object, options: CallOptions): Promise<void> {
    await this.#caller.empty({ ...jsonPost(place, body), idempotent: false }, options);
  }

  async #infer(
    model: ModelRef,
    headers: Readonly<Record<string, string>>,
    parts: readonly Uint8Array[],
    options: InferOptions,
  ): Promise<InferResult> {
    const { requestCompression, responseCompression } = options;
    const coding = requestCompression === undefined ? {} : { 'content-encoding': requestCompression };
    const call = {
      method: 'POST' as const,
      path: `${modelPath(model)}/infer`,
      // Unasked, Node's fetch would have every response packed.
      headers: { ...headers, ...coding, 'accept-encoding': responseCompression ?? 'identity' },
      body: requestCompression === undefined ? parts : await compress(parts, requestCompression),
      idempotent: options.idempotent ?? false,
    };
    return await this.#caller.call(call, options, (response) => this.#readResult(response));
  }

  async #readResult(response: HttpResponse): Promise<InferResult> {
    const header = response.headers.get(HEADER_LENGTH);
    if (header !== null && !/^\d{1,15}$/.test(header)) {
      throw invalidResponse(`header Inference-Header-Content-Length is '${header}'`, { status: response.status });
    }
    const alignAt = header === null ? 0 : Number(header);
    const bytes = await readBody(response, { maxBytes: this.#caller.maxResponseBytes, alignAt });
    try {
      return toInferResult(this.#decoder.decode({ bytes, jsonLength: header === null ? bytes.length : alignAt }));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      throw invalidResponse(`the response cannot be read: ${error.message}`, { status: response.status, cause: error });
    }
  }
}

function encode(request: InferRequest) {
  return encodeInferRequest(prepareRequest(request));
}

function jsonPost(place: string, body: object) {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST' as const, path: place, headers, body: [encoder.encode(JSON.stringify(body))] };
}

function modelPath(model: ModelRef): string {
  const { name, version } = modelNameAndVersion(model);
  return `/v2/models${path(name)}${version === '' ? '' : `/versions${path(version)}`}`;
}

function tracePath(model: string | undefined): string {
  return model === undefined ? '/v2/trace/setting' : `/v2/models${path(model)}/trace/setting`;
}

function regionPath(kind: 'system' | 'cuda', name: string | undefined, action: string): string {
  return `/v2/${kind}sharedmemory${name === undefined ? '' : `/region${path(name)}`}/${action}`;
}
