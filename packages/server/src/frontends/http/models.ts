import type { ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import { modelConfigToJson } from '../../config/index.ts';
import type {
  BatchStatistics,
  InferenceServer,
  ModelHandle,
  ModelStatistics,
  ResponseStatistics,
  StatisticDuration,
  TensorSignature,
} from '../../inference/index.ts';
import { type JsonOutput, jsonOutput } from '../wire/json-output.ts';
import { sendEmpty, sendErrorText, sendJson } from '../wire/reply.ts';

/** `GET /v2/models/<m>/ready` */
export function modelReady(server: InferenceServer, res: ServerResponse, model: string, version: number): void {
  if (server.isModelReady(model, version)) sendEmpty(res, 200);
  else sendErrorText(res, 400, 'Model version not ready');
}

/** `GET /v2/models/<m>`: without a version all that are ready, with one that alone. */
export function modelMetadata(server: InferenceServer, res: ServerResponse, model: string, version: number): void {
  const handle = server.getModel(model, version);
  const versions = version === -1 ? server.readyVersions(model) : [handle.version];
  const { inputs, outputs } = handle.signature;
  sendJson(
    res,
    200,
    jsonOutput({
      name: handle.name,
      versions: versions.map(String),
      platform: handle.config.platform === '' ? handle.config.backend : handle.config.platform,
      inputs: inputs.map((input) => describeTensor(handle, input)),
      outputs: outputs.map((output) => describeTensor(handle, output)),
    }),
  );
}

function describeTensor({ signature }: ModelHandle, { name, dataType, dims }: TensorSignature): JsonOutput {
  return { name, datatype: dataType, shape: signature.maxBatchSize > 0 ? [-1, ...dims] : dims };
}

/** `GET /v2/models/<m>/config` */
export function modelConfig(server: InferenceServer, res: ServerResponse, model: string, version: number): void {
  sendJson(res, 200, modelConfigToJson(server.getModel(model, version).config));
}

/** `GET /v2/models/<m>/stats` and `/v2/models/stats` ('' for all). */
export function modelStatistics(server: InferenceServer, res: ServerResponse, model: string, version: number): void {
  const statistics = server.statistics(model, version).map(describeStatistics);
  sendJson(res, 200, jsonOutput({ model_stats: statistics }));
}

function describeStatistics(statistics: ModelStatistics): JsonOutput {
  return {
    name: statistics.name,
    version: String(statistics.version),
    last_inference: statistics.lastInferenceMs,
    inference_count: statistics.inferenceCount,
    execution_count: statistics.executionCount,
    inference_stats: {
      success: duration(statistics.success),
      fail: duration(statistics.fail),
      queue: duration(statistics.queue),
      compute_input: duration(statistics.computeInput),
      compute_infer: duration(statistics.computeInfer),
      compute_output: duration(statistics.computeOutput),
      cache_hit: duration(statistics.cacheHit),
      cache_miss: duration(statistics.cacheMiss),
    },
    response_stats: Object.fromEntries(
      [...statistics.responseStats].map(([index, response]) => [index, describeResponses(response)]),
    ),
    batch_stats: statistics.batchStats.map(describeBatches),
    memory_usage: [],
  };
}

function duration({ count, ns }: StatisticDuration): JsonOutput {
  return { count, ns: Math.round(ns) };
}

function describeResponses(response: ResponseStatistics): JsonOutput {
  return {
    compute_infer: duration(response.computeInfer),
    compute_output: duration(response.computeOutput),
    success: duration(response.success),
    fail: duration(response.fail),
    empty_response: duration(response.emptyResponse),
    cancel: duration(response.cancel),
  };
}

function describeBatches(batch: BatchStatistics): JsonOutput {
  return {
    batch_size: batch.batchSize,
    compute_input: duration(batch.computeInput),
    compute_infer: duration(batch.computeInfer),
    compute_output: duration(batch.computeOutput),
  };
}

/** Throws StatusError for a model that is not there or not ready, as the trace settings of one are asked for. */
export function requireModel(server: InferenceServer, model: string): void {
  if (!server.isModelReady(model, -1)) throw new StatusError('INVALID_ARG', `Request for unknown model : ${model}`);
}
