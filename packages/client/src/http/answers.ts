import { isDataType } from '@nereid/protocol';
import type {
  CudaSharedMemoryRegion,
  LogSettings,
  ModelConfig,
  ModelMetadata,
  ModelStatistics,
  RepositoryIndexEntry,
  ServerMetadata,
  StatisticDuration,
  SystemSharedMemoryRegion,
  TensorMetadata,
  TraceSettings,
} from '../api/index.ts';
import type { Answer } from './json.ts';

/** Readers of Triton's JSON answers. Each throws InferenceServerError INVALID_RESPONSE for an answer of another form. */
export function readServerMetadata(answer: Answer): ServerMetadata {
  return {
    name: answer.get('name').text(),
    version: answer.get('version').text(),
    extensions: answer.get('extensions').list((item) => item.text()),
  };
}

export function readModelMetadata(answer: Answer): ModelMetadata {
  return {
    name: answer.get('name').text(),
    versions: answer.get('versions').list((item) => item.text()),
    platform: answer.get('platform').text(),
    inputs: answer.get('inputs').list(readTensor),
    outputs: answer.get('outputs').list(readTensor),
  };
}

function readTensor(answer: Answer): TensorMetadata {
  const dataType = answer.get('datatype').text();
  if (!isDataType(dataType)) throw answer.get('datatype').wrong('a data type');
  return { name: answer.get('name').text(), dataType, shape: answer.get('shape').list((dim) => dim.number()) };
}

export function readModelConfig(answer: Answer): ModelConfig {
  return {
    ...answer.object(),
    name: answer.get('name').text(),
    platform: answer.get('platform').text(),
    backend: answer.get('backend').text(),
    max_batch_size: answer.get('max_batch_size').number(),
  };
}

export function readStatistics(answer: Answer): ModelStatistics[] {
  return answer.get('model_stats').list((model) => ({
    name: model.get('name').text(),
    version: model.get('version').text(),
    lastInferenceMs: model.get('last_inference').number(),
    inferenceCount: model.get('inference_count').number(),
    executionCount: model.get('execution_count').number(),
    inferenceStats: readInferenceStats(model.get('inference_stats')),
    batchStats: model.get('batch_stats').list((batch) => ({
      batchSize: batch.get('batch_size').number(),
      computeInput: readDuration(batch.get('compute_input')),
      computeInfer: readDuration(batch.get('compute_infer')),
      computeOutput: readDuration(batch.get('compute_output')),
    })),
    responseStats: model.get('response_stats').map((response) => ({
      computeInfer: readDuration(response.get('compute_infer')),
      computeOutput: readDuration(response.get('compute_output')),
      success: readDuration(response.get('success')),
      fail: readDuration(response.get('fail')),
      emptyResponse: readDuration(response.get('empty_response')),
      cancel: readDuration(response.get('cancel')),
    })),
    memoryUsage: model.get('memory_usage').list((usage) => ({
      type: usage.get('type').text(),
      id: usage.get('id').number(),
      byteSize: usage.get('byte_size').number(),
    })),
  }));
}

function readInferenceStats(stats: Answer): ModelStatistics['inferenceStats'] {
  return {
    success: readDuration(stats.get('success')),
    fail: readDuration(stats.get('fail')),
    queue: readDuration(stats.get('queue')),
    computeInput: readDuration(stats.get('compute_input')),
    computeInfer: readDuration(stats.get('compute_infer')),
    computeOutput: readDuration(stats.get('compute_output')),
    cacheHit: readDuration(stats.get('cache_hit')),
    cacheMiss: readDuration(stats.get('cache_miss')),
  };
}

function readDuration(duration: Answer): StatisticDuration {
  if (duration.value === undefined) return { count: 0, ns: 0 };
  return { count: duration.get('count').number(), ns: duration.get('ns').number() };
}

export function readIndex(answer: Answer): RepositoryIndexEntry[] {
  return answer.list((entry) => ({
    name: entry.get('name').text(),
    version: entry.get('version').text(),
    state: entry.get('state').text(),
    reason: entry.get('reason').text(),
  }));
}

export function readSystemRegions(answer: Answer): SystemSharedMemoryRegion[] {
  return answer.list((region) => ({
    name: region.get('name').text(),
    key: region.get('key').text(),
    offset: region.get('offset').number(),
    byteSize: region.get('byte_size').number(),
  }));
}

export function readCudaRegions(answer: Answer): CudaSharedMemoryRegion[] {
  return answer.list((region) => ({
    name: region.get('name').text(),
    deviceId: region.get('device_id').number(),
    byteSize: region.get('byte_size').number(),
  }));
}

/** Every setting is a text, the level a list of them. */
export function readTraceSettings(answer: Answer): TraceSettings {
  return answer.map((setting) =>
    Array.isArray(setting.value) ? setting.list((item) => item.text()) : setting.text(),
  ) as TraceSettings;
}

export function readLogSettings(answer: Answer): LogSettings {
  return answer.map((setting) => {
    const { value } = setting;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    throw setting.wrong('a text, number or boolean');
  }) as LogSettings;
}
