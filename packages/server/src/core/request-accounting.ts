import type { ComputeTimes, FailureReason, InferenceResponse } from '../inference/index.ts';
import type { StatisticsRecorder } from '../observability/index.ts';
import type { TrackedRequest } from './tracked-request.ts';

/** Counts a request that was answered without an error, and its execution if it is the first of its batch. */
export function countSuccess(statistics: StatisticsRecorder, request: TrackedRequest, nowNs: number): void {
  const { batch } = request;
  const { inputNs, inferNs, outputNs } = request.computeTimes ?? computeTimes(request, nowNs);
  const batchSize = Math.max(1, request.batchSize);
  const times = {
    batchSize,
    requestNs: nowNs - request.startNs,
    queueNs: (batch?.computeStartNs ?? request.queuedNs) - request.queuedNs,
    computeInputNs: inputNs,
    computeInferNs: inferNs,
    computeOutputNs: outputNs,
  };
  statistics.recordSuccess(times);
  if (batch === undefined) {
    // An ensemble: every request is an execution of its own.
    statistics.recordExecution(batchSize, inputNs, inferNs, outputNs);
  } else {
    batch.computeOutputEndNs = nowNs;
    if (batch.counted !== true) {
      batch.counted = true;
      statistics.recordExecution(batch.reportedBatchSize ?? batch.batchSize, inputNs, inferNs);
    }
  }
  request.request.account?.succeeded(times);
}

/** Counts a request that was answered with an error. One that an ensemble fails counts twice there, as in Triton. */
export function countFailure(
  statistics: StatisticsRecorder,
  request: TrackedRequest,
  reason: FailureReason,
  isEnsemble: boolean,
  nowNs: number,
): void {
  const requestNs = nowNs - request.startNs;
  statistics.recordFailure(reason, requestNs);
  if (isEnsemble) statistics.recordFailure(reason, requestNs);
  request.request.account?.failed(reason);
}

/** Counts one response of a decoupled model. */
export function countResponse(
  statistics: StatisticsRecorder,
  request: TrackedRequest,
  index: number,
  response: InferenceResponse | undefined,
  nowNs: number,
): void {
  const { batch } = request;
  if (batch === undefined) return;
  const outputStartNs = Math.max(batch.computeOutputStartNs, batch.computeStartNs);
  statistics.recordResponse(
    index,
    responseOutcome(response),
    outputStartNs - batch.computeStartNs,
    nowNs - outputStartNs,
  );
}

/** Notes in a request's trace who answers it. */
export function traceStart(request: TrackedRequest, modelName: string): void {
  const { trace } = request.request;
  if (trace === undefined) return;
  trace.modelName = modelName;
  trace.modelVersion = request.modelVersion;
  trace.requestId = request.request.id;
  trace.startNs = request.startNs;
  trace.addTensors('TENSOR_QUEUE_INPUT', request.inputs);
}

/** Notes outputs in a request's trace. */
export function traceOutputs(request: TrackedRequest, response: InferenceResponse | undefined): void {
  const { trace } = request.request;
  if (trace !== undefined && response !== undefined) trace.addTensors('TENSOR_BACKEND_OUTPUT', response.outputs);
}

/** Notes in a request's trace when it passed which mark, and how it ended. */
export function traceEnd(request: TrackedRequest, failed: boolean, nowNs: number): void {
  const { trace } = request.request;
  if (trace === undefined) return;
  trace.queueStartNs = request.queuedNs;
  trace.computeStartNs = request.batch?.computeStartNs ?? 0;
  trace.computeInputEndNs = request.batch?.computeInputEndNs ?? 0;
  trace.computeOutputStartNs = request.batch?.computeOutputStartNs ?? 0;
  trace.endNs = nowNs;
  trace.failed = failed;
}

function computeTimes(request: TrackedRequest, nowNs: number): ComputeTimes {
  const { batch } = request;
  if (batch === undefined) return { inputNs: 0, inferNs: 0, outputNs: 0 };
  // A backend that passes no marks spent it all on the model.
  const inputEndNs = batch.computeInputEndNs === 0 ? batch.computeStartNs : batch.computeInputEndNs;
  const outputStartNs = batch.computeOutputStartNs === 0 ? nowNs : batch.computeOutputStartNs;
  return {
    inputNs: inputEndNs - batch.computeStartNs,
    inferNs: outputStartNs - inputEndNs,
    outputNs: nowNs - outputStartNs,
  };
}

function responseOutcome(response: InferenceResponse | undefined): 'success' | 'fail' | 'cancel' | 'emptyResponse' {
  if (response === undefined) return 'emptyResponse';
  if (response.error === undefined) return 'success';
  return response.error.code === 'CANCELLED' ? 'cancel' : 'fail';
}
