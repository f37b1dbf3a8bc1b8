import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  GRPCInferenceService,
  type InferBatchStatisticsSchema,
  type InferResponseStatisticsSchema,
  type ModelMetadataResponse_TensorMetadataSchema,
  type ModelStatisticsSchema,
} from '@nereid/protocol/grpc-service';
import type {
  BatchStatistics,
  InferenceServer,
  ModelHandle,
  ModelStatistics,
  ResponseStatistics,
  StatisticDuration,
  TensorSignature,
} from '../../inference/index.ts';
import { parseVersion } from './infer/version.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

/** Health and metadata of the server and its models, their configuration and statistics. */
export function modelMethods(server: InferenceServer): GrpcMethod[] {
  const { method } = GRPCInferenceService;
  return [
    unaryMethod(method.serverLive, 'health', () => ({ live: server.isLive() })),
    unaryMethod(method.serverReady, 'health', () => ({ ready: server.isReady() })),
    unaryMethod(method.modelReady, 'health', ({ name, version }) => ({
      ready: server.isModelReady(name, parseVersion(version)),
    })),
    unaryMethod(method.serverMetadata, 'metadata', () => ({
      name: server.id,
      version: server.version,
      extensions: [...server.extensions],
    })),
    unaryMethod(method.modelMetadata, 'metadata', ({ name, version }) => modelMetadata(server, name, version)),
    unaryMethod(method.modelConfig, 'model-config', ({ name, version }) => ({
      config: server.getModel(name, parseVersion(version)).config,
    })),
    unaryMethod(method.modelStatistics, 'statistics', ({ name, version }) => ({
      modelStats: server.statistics(name, parseVersion(version)).map(describeStatistics),
    })),
  ];
}

/** Without a version all that are ready, with one that alone. */
function modelMetadata(server: InferenceServer, name: string, versionText: string) {
  const version = parseVersion(versionText);
  const handle = server.getModel(name, version);
  const versions = version === -1 ? server.readyVersions(name) : [handle.version];
  const { inputs, outputs } = handle.signature;
  return {
    name: handle.name,
    versions: versions.map(String),
    platform: handle.config.platform === '' ? handle.config.backend : handle.config.platform,
    inputs: inputs.map((input) => describeTensor(handle, input)),
    outputs: outputs.map((output) => describeTensor(handle, output)),
  };
}

function describeTensor(
  { signature }: ModelHandle,
  { name, dataType, dims }: TensorSignature,
): MessageInitShape<typeof ModelMetadataResponse_TensorMetadataSchema> {
  const shape = signature.maxBatchSize > 0 ? [-1, ...dims] : dims;
  return { name, datatype: dataType, shape: shape.map(BigInt) };
}

function describeStatistics(statistics: ModelStatistics): MessageInitShape<typeof ModelStatisticsSchema> {
  return {
    name: statistics.name,
    version: String(statistics.version),
    lastInference: BigInt(Math.round(statistics.lastInferenceMs)),
    inferenceCount: BigInt(statistics.inferenceCount),
    executionCount: BigInt(statistics.executionCount),
    inferenceStats: {
      success: duration(statistics.success),
      fail: duration(statistics.fail),
      queue: duration(statistics.queue),
      computeInput: duration(statistics.computeInput),
      computeInfer: duration(statistics.computeInfer),
      computeOutput: duration(statistics.computeOutput),
      cacheHit: duration(statistics.cacheHit),
      cacheMiss: duration(statistics.cacheMiss),
    },
    batchStats: statistics.batchStats.map(describeBatches),
    responseStats: Object.fromEntries(
      [...statistics.responseStats].map(([index, response]) => [index, describeResponses(response)]),
    ),
  };
}

function duration({ count, ns }: StatisticDuration): { count: bigint; ns: bigint } {
  return { count: BigInt(count), ns: BigInt(Math.round(ns)) };
}

function describeBatches(batch: BatchStatistics): MessageInitShape<typeof InferBatchStatisticsSchema> {
  return {
    batchSize: BigInt(batch.batchSize),
    computeInput: duration(batch.computeInput),
    computeInfer: duration(batch.computeInfer),
    computeOutput: duration(batch.computeOutput),
  };
}

function describeResponses(response: ResponseStatistics): MessageInitShape<typeof InferResponseStatisticsSchema> {
  return {
    computeInfer: duration(response.computeInfer),
    computeOutput: duration(response.computeOutput),
    success: duration(response.success),
    fail: duration(response.fail),
    emptyResponse: duration(response.emptyResponse),
    cancel: duration(response.cancel),
  };
}
