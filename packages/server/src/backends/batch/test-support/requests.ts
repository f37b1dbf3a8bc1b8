import { encodeBytesElements, type Tensor } from '@nereid/protocol';
import { type ModelConfig, modelSignature, normalizeModelConfig, parseModelConfigText } from '../../../config/index.ts';
import {
  Cancellation,
  type ExecutionBatch,
  type InferenceResponse,
  type Logger,
  type ModelLoadContext,
  type ModelSignature,
  type ScheduledRequest,
} from '../../../inference/index.ts';

/** A configuration from the text of a `config.pbtxt`, normalised, and its signature. */
export function configured(text: string): { config: ModelConfig; signature: ModelSignature } {
  const config = parseModelConfigText(text);
  normalizeModelConfig(config);
  return { config, signature: modelSignature(config) };
}

/** A request as a scheduler hands it to an instance, keeping what it is answered. */
export interface TestRequest extends ScheduledRequest {
  readonly answers: { readonly response: InferenceResponse; readonly final: boolean }[];
}

export interface RequestOptions {
  readonly id?: string;
  /** Names; every output when not given. */
  readonly outputs?: readonly string[];
}

export function request(
  signature: ModelSignature,
  tensors: readonly Tensor[],
  options: RequestOptions = {},
): TestRequest {
  const inputs = signature.inputs.map(({ name }) => tensors.find((tensor) => tensor.name === name));
  const outputs = options.outputs ?? signature.outputs.map(({ name }) => name);
  const answers: TestRequest['answers'] = [];
  return {
    request: {
      id: options.id ?? '',
      modelName: 'm',
      modelVersion: -1,
      inputs: tensors,
      requestedOutputs: outputs,
      parameters: new Map(),
      correlationId: 0n,
      sequenceStart: false,
      sequenceEnd: false,
      priority: 0,
      timeoutMicros: 0,
      cancellation: new Cancellation(),
      receivedNs: 0,
    },
    modelVersion: 1,
    batchSize: signature.maxBatchSize > 0 ? (tensors[0]?.shape[0] ?? 1) : 0,
    inputs,
    requestedOutputs: outputs.map((name) => signature.outputIndex.get(name) ?? -1),
    respond: (response, final) => {
      if (response !== undefined) answers.push({ response, final });
    },
    queuedNs: 0,
    answers,
  };
}

export function batchOf(
  requests: readonly ScheduledRequest[],
  extras: Pick<ExecutionBatch, 'schedulerInputs' | 'onSchedulerOutputs'> = {},
): ExecutionBatch {
  return {
    ...extras,
    requests,
    batchSize: requests.reduce((sum, { batchSize }) => sum + Math.max(1, batchSize), 0),
    computeStartNs: 1,
    computeInputEndNs: 0,
    computeOutputStartNs: 0,
  };
}

export function int32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 'INT32', shape, data: new Uint8Array(Int32Array.from(values).buffer) };
}

/** A vector of strings. */
export function bytes(name: string, values: readonly string[]): Tensor {
  return { name, dataType: 'BYTES', shape: [values.length], data: new Uint8Array(encodeBytesElements(values)) };
}

export function int32Values(tensor: Tensor | undefined): number[] {
  return tensor === undefined ? [] : [...new Int32Array(tensor.data.slice().buffer)];
}

/** The outputs of a request that was answered once, for good, and well. */
export function outputsOf(answered: TestRequest): readonly Tensor[] {
  const [answer, ...more] = answered.answers;
  if (answer === undefined || more.length > 0 || !answer.final) throw new Error(`${answered.answers.length} answers`);
  if (answer.response.error !== undefined) throw answer.response.error;
  return answer.response.outputs;
}

/** Collects what is logged, one `<severity> <source>] <message>` per line. */
export function testLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const write = (severity: string) => (message: string, source?: string) => {
    lines.push(`${severity} ${source}] ${message}`);
  };
  return { log: { error: write('E'), warning: write('W'), info: write('I'), verbose: () => {} }, lines };
}

export function loadContext(
  config: ModelConfig,
  versionDirectory: string,
  backendConfig: Readonly<Record<string, string>> = {},
): { context: ModelLoadContext; lines: string[] } {
  const { log, lines } = testLog();
  const context: ModelLoadContext = {
    modelName: config.name,
    version: 1,
    modelDirectory: versionDirectory,
    versionDirectory,
    config,
    backendConfig: new Map(Object.entries(backendConfig)),
    cacheDirectory: undefined,
    log,
  };
  return { context, lines };
}
