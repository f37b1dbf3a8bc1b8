import { create } from '@bufbuild/protobuf';
import {
  CudaSharedMemoryRegisterRequestSchema,
  CudaSharedMemoryStatusRequestSchema,
  CudaSharedMemoryUnregisterRequestSchema,
  GRPCInferenceService,
  type LogSettingsRequest_SettingValue,
  LogSettingsRequest_SettingValueSchema,
  LogSettingsRequestSchema,
  ModelConfigRequestSchema,
  ModelMetadataRequestSchema,
  ModelReadyRequestSchema,
  type ModelRepositoryParameter,
  ModelRepositoryParameterSchema,
  ModelStatisticsRequestSchema,
  RepositoryIndexRequestSchema,
  RepositoryModelLoadRequestSchema,
  RepositoryModelUnloadRequestSchema,
  ServerLiveRequestSchema,
  ServerMetadataRequestSchema,
  ServerReadyRequestSchema,
  SystemSharedMemoryRegisterRequestSchema,
  SystemSharedMemoryStatusRequestSchema,
  SystemSharedMemoryUnregisterRequestSchema,
  TraceSettingRequest_SettingValueSchema,
  TraceSettingRequestSchema,
} from '@nereid/protocol/grpc-service';
import type {
  CallOptions,
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
import { InferenceServerError, invalidResponse } from '../errors/index.ts';
import { checkUnsigned, modelNameAndVersion } from '../request/index.ts';
import { configToJson } from './config-json.ts';
import { GrpcCaller, type GrpcClientOptions } from './grpc-caller.ts';
import { decodeInferMessage, encodeInferMessage } from './infer-messages.ts';
import { InferStream } from './infer-stream.ts';
import { toLogSettings, toModelMetadata, toStatistics, toTraceSettings } from './server-info.ts';

const api = GRPCInferenceService.method;

/** A client over gRPC, for Node. */
export class GrpcClient implements InferenceClient {
  readonly #caller: GrpcCaller;

  /** Connects with the first call. Throws InferenceServerError INVALID_ARG for an address that is none. */
  constructor(options: GrpcClientOptions) {
    this.#caller = new GrpcCaller(options);
  }

  async isServerLive(options: CallOptions = {}): Promise<boolean> {
    const request = create(ServerLiveRequestSchema);
    return await healthy(
      ['UNAVAILABLE'],
      async () => (await this.#caller.message(api.serverLive, request, true, options)).live,
    );
  }

  async isServerReady(options: CallOptions = {}): Promise<boolean> {
    const request = create(ServerReadyRequestSchema);
    return await healthy(
      ['UNAVAILABLE'],
      async () => (await this.#caller.message(api.serverReady, request, true, options)).ready,
    );
  }

  async isModelReady(model: ModelRef, options: CallOptions = {}): Promise<boolean> {
    const request = create(ModelReadyRequestSchema, modelNameAndVersion(model));
    return await healthy(['UNAVAILABLE', 'NOT_FOUND', 'INVALID_ARG'], async () => {
      return (await this.#caller.message(api.modelReady, request, true, options)).ready;
    });
  }

  async serverMetadata(options: CallOptions = {}): Promise<ServerMetadata> {
    const request = create(ServerMetadataRequestSchema);
    const { name, version, extensions } = await this.#caller.message(api.serverMetadata, request, true, options);
    return { name, version, extensions };
  }

  async modelMetadata(model: ModelRef, options: CallOptions = {}): Promise<ModelMetadata> {
    const request = create(ModelMetadataRequestSchema, modelNameAndVersion(model));
    return toModelMetadata(await this.#caller.message(api.modelMetadata, request, true, options));
  }

  async modelConfig(model: ModelRef, options: CallOptions = {}): Promise<ModelConfig> {
    const request = create(ModelConfigRequestSchema, modelNameAndVersion(model));
    const { config } = await this.#caller.message(api.modelConfig, request, true, options);
    if (config === undefined) throw invalidResponse('the answer holds no configuration');
    return configToJson(config);
  }

  async statistics(model?: ModelRef, options: CallOptions = {}): Promise<readonly ModelStatistics[]> {
    const request = create(ModelStatisticsRequestSchema, model === undefined ? {} : modelNameAndVersion(model));
    const { modelStats } = await this.#caller.message(api.modelStatistics, request, true, options);
    return modelStats.map(toStatistics);
  }

  async infer(model: ModelRef, request: InferRequest, options: InferOptions = {}): Promise<InferResult> {
    const { bytes, sharedOutputs } = encodeInferMessage(model, request);
    const { idempotent = false, requestCompression: compression } = options;
    const answer = await this.#caller.unary({ method: api.modelInfer, bytes, idempotent, compression }, options);
    return decodeInferMessage(answer, sharedOutputs);
  }

  /**
   * Runs a model once and iterates its responses as they come: any number of them from a decoupled model. An error is thrown, and ends it.
   * Leaving the loop cancels the request.
   */
  async *inferStream(
    model: ModelRef,
    request: InferRequest,
    options: CallOptions = {},
  ): AsyncGenerator<InferResult, void, undefined> {
    const stream = await this.stream(options);
    try {
      await stream.send(model, request);
      stream.end();
      for await (const { result, error, final } of stream) {
        if (error !== undefined) throw error;
        const isEmptyEnd = final && result.outputs.length === 0;
        if (!isEmptyEnd) yield result;
      }
    } finally {
      stream.cancel();
    }
  }

  /** Opens a stream of inferences both ways. The deadline is that of the whole stream. */
  async stream(options: CallOptions = {}): Promise<InferStream> {
    const scope = this.#caller.open(options);
    try {
      scope.signal.throwIfAborted();
      return new InferStream(await this.#caller.stream(api.modelStreamInfer, options, scope), scope);
    } catch (error) {
      scope.end();
      throw scope.failure(error);
    }
  }

  async repositoryIndex(
    filter: { readonly ready?: boolean } = {},
    options: CallOptions = {},
  ): Promise<readonly RepositoryIndexEntry[]> {
    const request = create(RepositoryIndexRequestSchema, { ready: filter.ready ?? false });
    const { models } = await this.#caller.message(api.repositoryIndex, request, true, options);
    return models.map(({ name, version, state, reason }) => ({ name, version, state, reason }));
  }

  async loadModel(name: string, overrides: LoadOverrides = {}, options: CallOptions = {}): Promise<void> {
    const { config, files = {} } = overrides;
    const parameters: Record<string, ModelRepositoryParameter> = {};
    if (config !== undefined) {
      const text = typeof config === 'string' ? config : JSON.stringify(config);
      parameters['config'] = repositoryParameter({ case: 'stringParam', value: text });
    }
    for (const [file, value] of Object.entries(files)) {
      parameters[`file:${file}`] = repositoryParameter({ case: 'bytesParam', value });
    }
    const request = create(RepositoryModelLoadRequestSchema, { modelName: modelNameAndVersion(name).name, parameters });
    await this.#caller.message(api.repositoryModelLoad, request, false, options);
  }

  async unloadModel(name: string, unload: UnloadOptions = {}, options: CallOptions = {}): Promise<void> {
    const value = unload.unloadDependents ?? false;
    const request = create(RepositoryModelUnloadRequestSchema, {
      modelName: modelNameAndVersion(name).name,
      parameters: { unload_dependents: repositoryParameter({ case: 'boolParam', value }) },
    });
    await this.#caller.message(api.repositoryModelUnload, request, false, options);
  }

  async systemSharedMemoryStatus(
    name?: string,
    options: CallOptions = {},
  ): Promise<readonly SystemSharedMemoryRegion[]> {
    const request = create(SystemSharedMemoryStatusRequestSchema, { name: name ?? '' });
    const { regions } = await this.#caller.message(api.systemSharedMemoryStatus, request, true, options);
    return Object.values(regions).map((region) => ({
      name: region.name,
      key: region.key,
      offset: Number(region.offset),
      byteSize: Number(region.byteSize),
    }));
  }

  async registerSystemSharedMemory(
    { name, key, offset = 0, byteSize }: Omit<SystemSharedMemoryRegion, 'offset'> & { readonly offset?: number },
    options: CallOptions = {},
  ): Promise<void> {
    const request = create(SystemSharedMemoryRegisterRequestSchema, {
      name,
      key,
      offset: BigInt(checkUnsigned('offset', offset)),
      byteSize: BigInt(checkUnsigned('byteSize', byteSize)),
    });
    await this.#caller.message(api.systemSharedMemoryRegister, request, false, options);
  }

  async unregisterSystemSharedMemory(name?: string, options: CallOptions = {}): Promise<void> {
    const request = create(SystemSharedMemoryUnregisterRequestSchema, { name: name ?? '' });
    await this.#caller.message(api.systemSharedMemoryUnregister, request, false, options);
  }

  async cudaSharedMemoryStatus(name?: string, options: CallOptions = {}): Promise<readonly CudaSharedMemoryRegion[]> {
    const request = create(CudaSharedMemoryStatusRequestSchema, { name: name ?? '' });
    const { regions } = await this.#caller.message(api.cudaSharedMemoryStatus, request, true, options);
    return Object.values(regions).map((region) => ({
      name: region.name,
      deviceId: Number(region.deviceId),
      byteSize: Number(region.byteSize),
    }));
  }

  async registerCudaSharedMemory(
    { name, rawHandle, deviceId, byteSize }: CudaSharedMemoryRegion & { readonly rawHandle: Uint8Array },
    options: CallOptions = {},
  ): Promise<void> {
    const request = create(CudaSharedMemoryRegisterRequestSchema, {
      name,
      rawHandle,
      deviceId: BigInt(checkUnsigned('deviceId', deviceId)),
      byteSize: BigInt(checkUnsigned('byteSize', byteSize)),
    });
    await this.#caller.message(api.cudaSharedMemoryRegister, request, false, options);
  }

  async unregisterCudaSharedMemory(name?: string, options: CallOptions = {}): Promise<void> {
    const request = create(CudaSharedMemoryUnregisterRequestSchema, { name: name ?? '' });
    await this.#caller.message(api.cudaSharedMemoryUnregister, request, false, options);
  }

  async traceSettings(model?: string, options: CallOptions = {}): Promise<TraceSettings> {
    const request = create(TraceSettingRequestSchema, { modelName: model ?? '' });
    return toTraceSettings(await this.#caller.message(api.traceSetting, request, true, options));
  }

  async updateTraceSettings(
    update: TraceSettingsUpdate,
    model?: string,
    options: CallOptions = {},
  ): Promise<TraceSettings> {
    const settings = Object.entries(update as Record<string, string | number | readonly string[] | null>).map(
      ([name, value]) => {
        // No value at all gives a setting back.
        const texts = value === null ? [] : Array.isArray(value) ? [...value] : [String(value)];
        return [name, create(TraceSettingRequest_SettingValueSchema, { value: texts })] as const;
      },
    );
    const request = create(TraceSettingRequestSchema, {
      modelName: model ?? '',
      settings: Object.fromEntries(settings),
    });
    return toTraceSettings(await this.#caller.message(api.traceSetting, request, false, options));
  }

  async logSettings(options: CallOptions = {}): Promise<LogSettings> {
    const request = create(LogSettingsRequestSchema);
    return toLogSettings(await this.#caller.message(api.logSettings, request, true, options));
  }

  async updateLogSettings(update: LogSettings, options: CallOptions = {}): Promise<LogSettings> {
    const settings = Object.entries(update).map(([name, value]) => [name, logSetting(value)] as const);
    const request = create(LogSettingsRequestSchema, { settings: Object.fromEntries(settings) });
    return toLogSettings(await this.#caller.message(api.logSettings, request, false, options));
  }

  close(): void {
    this.#caller.close();
  }
}

/** False for an answer that says so in an error; a call without an answer rejects. */
async function healthy(codes: readonly string[], ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof InferenceServerError && error.status !== undefined && codes.includes(error.code)) return false;
    throw error;
  }
}

function repositoryParameter(parameterChoice: ModelRepositoryParameter['parameterChoice']): ModelRepositoryParameter {
  return create(ModelRepositoryParameterSchema, { parameterChoice });
}

function logSetting(value: string | number | boolean): LogSettingsRequest_SettingValue {
  if (typeof value === 'boolean') return logValue({ case: 'boolParam', value });
  if (typeof value === 'string') return logValue({ case: 'stringParam', value });
  return logValue({ case: 'uint32Param', value: checkUnsigned('log_verbose_level', value) });
}

function logValue(
  parameterChoice: LogSettingsRequest_SettingValue['parameterChoice'],
): LogSettingsRequest_SettingValue {
  return create(LogSettingsRequest_SettingValueSchema, { parameterChoice });
}
