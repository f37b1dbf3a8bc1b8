import { isDataType } from '@nereid/protocol';
import type {
  LogSettingsResponse,
  ModelMetadataResponse,
  ModelMetadataResponse_TensorMetadata,
  ModelStatistics as ModelStatisticsMessage,
  StatisticDuration as StatisticDurationMessage,
  TraceSettingResponse,
} from '@nereid/protocol/grpc-service';
import type { LogSettings, ModelMetadata, ModelStatistics, StatisticDuration, TraceSettings } from '../api/index.ts';
import { invalidResponse } from '../errors/index.ts';

export function toModelMetadata(response: ModelMetadataResponse): ModelMetadata {
  const { name, versions, platform, inputs, outputs } = response;
  return { name, versions, platform, inputs: inputs.map(toTensor), outputs: outputs.map(toTensor) };
}

function toTensor({ name, datatype, shape }: ModelMetadataResponse_TensorMetadata) {
  if (!isDataType(datatype)) throw invalidResponse(`tensor '${name}' has unknown datatype '${datatype}'`);
  return { name, dataType: datatype, shape: shape.map(Number) };
}

export function toStatistics(model: ModelStatisticsMessage): ModelStatistics {
  const stats = model.inferenceStats;
  return {
    name: model.name,
    version: model.version,
    lastInferenceMs: Number(model.lastInference),
    inferenceCount: Number(model.inferenceCount),
    executionCount: Number(model.executionCount),
    inferenceStats: {
      success: duration(stats?.success),
      fail: duration(stats?.fail),
      queue: duration(stats?.queue),
      computeInput: duration(stats?.computeInput),
      computeInfer: duration(stats?.computeInfer),
      computeOutput: duration(stats?.computeOutput),
      cacheHit: duration(stats?.cacheHit),
      cacheMiss: duration(stats?.cacheMiss),
    },
    batchStats: model.batchStats.map((batch) => ({
      batchSize: Number(batch.batchSize),
      computeInput: duration(batch.computeInput),
      computeInfer: duration(batch.computeInfer),
      computeOutput: duration(batch.computeOutput),
    })),
    responseStats: Object.fromEntries(
      Object.entries(model.responseStats).map(([number, response]) => [
        number,
        {
          computeInfer: duration(response.computeInfer),
          computeOutput: duration(response.computeOutput),
          success: duration(response.success),
          fail: duration(response.fail),
          emptyResponse: duration(response.emptyResponse),
          cancel: duration(response.cancel),
        },
      ]),
    ),
    memoryUsage: model.memoryUsage.map(({ type, id, byteSize }) => ({
      type,
      id: Number(id),
      byteSize: Number(byteSize),
    })),
  };
}

function duration(message: StatisticDurationMessage | undefined): StatisticDuration {
  return { count: Number(message?.count ?? 0n), ns: Number(message?.ns ?? 0n) };
}

/** Every setting is a list over gRPC; only the level is one to callers. */
export function toTraceSettings({ settings }: TraceSettingResponse): TraceSettings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, { value }]) => [name, name === 'trace_level' ? value : (value[0] ?? '')]),
  );
}

export function toLogSettings({ settings }: LogSettingsResponse): LogSettings {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, { parameterChoice }]) =>
      parameterChoice.case === undefined ? [] : [[name, parameterChoice.value]],
    ),
  );
}
