import path from 'node:path';
import { dataTypeByteSize, StatusError, type Tensor } from '@nereid/protocol';
import type { ModelWarmup, ModelWarmup_Input } from '@nereid/protocol/model-config';
import { toProtocolDataType } from '../config/index.ts';
import {
  Cancellation,
  type ExecutionBatch,
  errorResponse,
  type InferenceRequest,
  type ModelInstance,
  type ModelLoadContext,
} from '../inference/index.ts';
import { MAX_MODEL_DATA_BYTES, readModelData } from './model-data-file.ts';
import type { ModelVersion } from './model-version.ts';

/** Samples live in `<model>/warmup/<input_data_file>`. */
const SAMPLE_DIRECTORY = 'warmup';
/** In front of what is said of a sample's request, which has no id. */
const NO_ID = '[request id: <id_unknown>] ';

/**
 * Runs every warm-up sample on every instance, `count` times, before the version takes requests. A sample of batch size n is an execution of n
 * requests. They count in the statistics as other requests do.
 * @throws StatusError when a sample cannot be made or fails
 */
export async function warmUp(
  version: ModelVersion,
  instances: readonly ModelInstance[],
  context: ModelLoadContext,
): Promise<void> {
  for (const sample of context.config.modelWarmup) {
    if (sample.batchSize === 0) continue;
    const inputs = await sampleInputs(sample, context);
    for (const instance of instances) {
      context.log.verbose(
        1,
        `model '${version.name}' instance ${instance.name} is running warmup sample '${sample.name}'`,
      );
      for (let run = 0; run < Math.max(1, sample.count); run++) await runSample(version, instance, sample, inputs);
    }
  }
}

async function runSample(
  version: ModelVersion,
  instance: ModelInstance,
  sample: ModelWarmup,
  inputs: readonly Tensor[],
): Promise<void> {
  const failures: string[] = [];
  const own = inputs.filter(({ name }) => version.signature.inputIndex.has(name));
  const request: InferenceRequest = {
    id: '',
    modelName: version.name,
    modelVersion: version.version,
    inputs: own,
    requestedOutputs: [],
    parameters: new Map(),
    correlationId: 0n,
    sequenceStart: false,
    sequenceEnd: false,
    priority: 0,
    timeoutMicros: 0,
    cancellation: new Cancellation(),
    receivedNs: version.nowNs(),
  };
  const requests = Array.from({ length: sample.batchSize }, () =>
    version.admit(request, (response) => {
      if (response?.error !== undefined) failures.push(response.error.message);
    }),
  );
  const startNs = version.nowNs();
  const batch: ExecutionBatch = {
    requests,
    batchSize: sample.batchSize,
    schedulerInputs: controlInputs(version, inputs, sample.batchSize),
    computeStartNs: startNs,
    computeInputEndNs: 0,
    computeOutputStartNs: 0,
  };
  for (const tracked of requests) {
    tracked.queuedNs = startNs;
    tracked.batch = batch;
  }
  if (sample.batchSize > Math.max(1, version.signature.maxBatchSize)) refuseBatch(batch, instance, version);
  else await instance.execute(batch);
  for (const tracked of requests) {
    const silent = new StatusError(
      'INTERNAL',
      `model instance '${instance.name}' released the request without a response`,
    );
    if (!tracked.released && !tracked.lateResponses) tracked.respond(errorResponse(tracked, silent), true);
  }
  if (failures.length > 0) {
    throw new StatusError(
      'INVALID_ARG',
      `failed to run warmup sample '${sample.name}': ${failures.map((text) => `${text}; `).join('')}`,
    );
  }
}

/** What the backends of Triton answer when an execution is larger than the configuration allows. */
function refuseBatch(batch: ExecutionBatch, instance: ModelInstance, version: ModelVersion): void {
  const { maxBatchSize } = version.signature;
  const tooLarge = `batch size ${batch.batchSize} for '${instance.name}', max allowed is ${maxBatchSize}`;
  for (const request of batch.requests) {
    request.respond(errorResponse(request, new StatusError('INTERNAL', tooLarge)), true);
  }
}

/** Inputs of a sample that the configuration does not list are a sequence batcher's controls: one row per request. */
function controlInputs(
  version: ModelVersion,
  inputs: readonly Tensor[],
  batchSize: number,
): ReadonlyMap<string, Tensor> {
  const controls = inputs.filter(({ name }) => !version.signature.inputIndex.has(name));
  return new Map(
    controls.map((tensor) => {
      const data = new Uint8Array(tensor.data.byteLength * batchSize);
      for (let row = 0; row < batchSize; row++) data.set(tensor.data, row * tensor.data.byteLength);
      const shape = version.signature.maxBatchSize > 0 ? [batchSize, ...tensor.shape] : tensor.shape;
      return [tensor.name, { ...tensor, shape, data }];
    }),
  );
}

async function sampleInputs(sample: ModelWarmup, context: ModelLoadContext): Promise<Tensor[]> {
  const inputs: Tensor[] = [];
  for (const [name, input] of Object.entries(sample.inputs)) inputs.push(await sampleInput(name, input, context));
  return inputs;
}

async function sampleInput(name: string, input: ModelWarmup_Input, context: ModelLoadContext): Promise<Tensor> {
  const dataType = toProtocolDataType(input.dataType);
  if (dataType === undefined) throw new StatusError('INVALID_ARG', `warmup input '${name}' must specify 'data_type'`);
  const invalid = input.dims.find((dim) => dim < 0n);
  if (invalid !== undefined && invalid < -1n) {
    const where = dataType === 'BYTES' ? 'in shape ' : '';
    throw new StatusError(
      'INVALID_ARG',
      `tensor '${name}' contains an invalid dimension ${where}[${input.dims.join(',')}]`,
    );
  }
  if (invalid !== undefined) {
    throw new StatusError(
      'INVALID_ARG',
      `warmup setting expects all variable-size dimensions are specified for input '${name}'`,
    );
  }
  const dims = input.dims.map(Number);
  const bytesPerElement = dataType === 'BYTES' ? 4 : dataTypeByteSize(dataType);
  const byteSize = dims.reduce((product, dim) => product * dim, bytesPerElement);
  if (byteSize > MAX_MODEL_DATA_BYTES) {
    throw new StatusError(
      'INVALID_ARG',
      `warmup input '${name}' has ${byteSize} bytes, at most ${MAX_MODEL_DATA_BYTES} are supported`,
    );
  }
  const data = await sampleData(name, input, byteSize, dataType === 'BYTES', context);
  const isOwn = context.config.input.some((candidate) => candidate.name === name);
  const shape = context.config.maxBatchSize > 0 && isOwn ? [1, ...dims] : dims;
  return { name, dataType, shape, data };
}

async function sampleData(
  name: string,
  input: ModelWarmup_Input,
  byteSize: number,
  isBytes: boolean,
  context: ModelLoadContext,
): Promise<Uint8Array> {
  switch (input.inputDataType.case) {
    case 'zeroData':
      return new Uint8Array(byteSize);
    case 'randomData':
      // Random bytes would not be valid lengths of BYTES elements.
      return isBytes ? new Uint8Array(byteSize) : randomBytes(byteSize);
    case 'inputDataFile':
      return fileData(input.inputDataType.value, byteSize, isBytes, context);
    default:
      throw new StatusError(
        'INVALID_ARG',
        `${NO_ID}warmup setting expects input '${name}' to have input_data_type set`,
      );
  }
}

function randomBytes(byteSize: number): Uint8Array {
  const data = new Uint8Array(byteSize);
  for (let index = 0; index < byteSize; index++) data[index] = Math.floor(Math.random() * 256);
  return data;
}

async function fileData(
  file: string,
  byteSize: number,
  isBytes: boolean,
  context: ModelLoadContext,
): Promise<Uint8Array> {
  const contents = await readModelData(path.join(context.modelDirectory, SAMPLE_DIRECTORY), file);
  if (isBytes) return contents;
  if (contents.byteLength < byteSize) {
    throw new StatusError(
      'INVALID_ARG',
      // The missing space is Triton's.
      `${NO_ID}warmup setting expects ${byteSize} bytes, but the data provided from ${file}only has ${contents.byteLength} bytes`,
    );
  }
  return contents.subarray(0, byteSize);
}
