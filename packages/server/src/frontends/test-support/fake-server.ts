import { StatusError, type Tensor } from '@nereid/protocol';
import { modelSignature, normalizeModelConfig, parseModelConfigText } from '../../config/index.ts';
import type {
  IndexEntry,
  InferenceRequest,
  InferenceResponse,
  InferenceServer,
  LoadOverrides,
  ModelHandle,
  ModelStatistics,
  ParameterValue,
  ResponseHandler,
} from '../../inference/index.ts';

/** What a model of the fake answers: tensors by name, or several responses, or nothing until the test says so. */
export type Behaviour = (
  request: InferenceRequest,
  respond: (response: Partial<InferenceResponse>, final?: boolean) => void,
) => void;

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, as INT32. */
export const addSub: Behaviour = (request, respond) => {
  const [a, b] = ['INPUT0', 'INPUT1'].map((name) => int32(request.inputs.find((input) => input.name === name)!.data));
  const output = (name: string, values: Int32Array): Tensor => ({
    name,
    dataType: 'INT32',
    shape: request.inputs[0]!.shape,
    data: new Uint8Array(values.buffer),
  });
  respond({
    outputs: [
      output(
        'OUTPUT0',
        a!.map((value, index) => value + b![index]!),
      ),
      output(
        'OUTPUT1',
        a!.map((value, index) => value - b![index]!),
      ),
    ],
  });
};

/** OUTPUT0 = INPUT0. */
export const identity: Behaviour = (request, respond) => {
  respond({ outputs: [{ ...request.inputs[0]!, name: 'OUTPUT0' }] });
};

function int32(data: Uint8Array): Int32Array {
  return new Int32Array(new Uint8Array(data).buffer);
}

interface FakeModel {
  readonly handle: ModelHandle;
  readonly behaviour: Behaviour;
}

/** An inference server without models of its own: it answers what tests tell it to, and remembers what it was asked. */
export class FakeServer implements InferenceServer {
  readonly id = 'triton';
  readonly version = '1.2.3';
  readonly extensions = ['classification', 'sequence'];
  live = true;
  ready = true;
  index: IndexEntry[] = [];
  readonly requests: InferenceRequest[] = [];
  readonly calls: string[] = [];
  overrides: LoadOverrides | undefined;
  /** Thrown by the next load. */
  loadFailure: StatusError | undefined;
  readonly #models = new Map<string, FakeModel>();

  /** `config` in text form; version 1. */
  add(config: string, behaviour: Behaviour = identity, labels?: readonly string[]): this {
    const parsed = parseModelConfigText(config);
    normalizeModelConfig(parsed);
    const handle: ModelHandle = {
      name: parsed.name,
      version: 1,
      config: parsed,
      signature: modelSignature(parsed),
      labels: () => labels,
    };
    this.#models.set(parsed.name, { handle, behaviour });
    return this;
  }

  isLive(): boolean {
    return this.live;
  }

  isReady(): boolean {
    return this.ready;
  }

  getModel(name: string, version: number): ModelHandle {
    return this.#find(name, version).handle;
  }

  isModelReady(name: string, version: number): boolean {
    return this.#find(name, version).handle.name !== 'not_ready';
  }

  readyVersions(): readonly number[] {
    return [1];
  }

  infer(request: InferenceRequest, respond: ResponseHandler): void {
    this.requests.push(request);
    const { behaviour } = this.#find(request.modelName, request.modelVersion);
    behaviour(request, (response, final = true) => {
      const { requestedOutputs } = request;
      const outputs = (response.outputs ?? []).filter(
        ({ name }) => requestedOutputs.length === 0 || requestedOutputs.includes(name),
      );
      const complete: InferenceResponse = {
        id: request.id,
        modelName: request.modelName,
        modelVersion: 1,
        parameters: NO_PARAMETERS,
        ...response,
        outputs,
      };
      respond(complete, final);
    });
  }

  repositoryIndex(readyOnly: boolean): readonly IndexEntry[] {
    return this.index.filter(({ state }) => !readyOnly || state === 'READY');
  }

  async loadModel(name: string, overrides?: LoadOverrides): Promise<void> {
    this.calls.push(`load ${name}`);
    this.overrides = overrides;
    if (this.loadFailure !== undefined) throw this.loadFailure;
    this.index.push({ name, version: 1, state: 'READY' });
  }

  async unloadModel(name: string, { unloadDependents }: { unloadDependents: boolean }): Promise<void> {
    this.calls.push(`unload ${name}${unloadDependents ? ' with dependents' : ''}`);
    this.index = this.index.map((entry) =>
      entry.name === name ? { ...entry, state: 'UNAVAILABLE', reason: 'unloaded' } : entry,
    );
  }

  registerRepository(path: string, modelMapping: ReadonlyMap<string, string>): void {
    this.calls.push(`register ${path} ${[...modelMapping].join()}`);
    if (path.endsWith('taken'))
      throw new StatusError('ALREADY_EXISTS', `model repository '${path}' has already been registered`);
  }

  unregisterRepository(path: string): void {
    this.calls.push(`unregister ${path}`);
  }

  statistics(name: string): readonly ModelStatistics[] {
    if (name !== '') this.#find(name, -1);
    const none = { count: 0, ns: 0 };
    const some = { count: 1, ns: 1500.4 };
    return [...this.#models.values()].map(({ handle }) => ({
      name: handle.name,
      version: 1,
      lastInferenceMs: 7,
      inferenceCount: 1,
      executionCount: 1,
      success: some,
      fail: none,
      queue: some,
      computeInput: some,
      computeInfer: some,
      computeOutput: some,
      cacheHit: none,
      cacheMiss: none,
      batchStats: [{ batchSize: 1, computeInput: some, computeInfer: some, computeOutput: some }],
      responseStats: new Map(),
    }));
  }

  #find(name: string, version: number): FakeModel {
    const model = this.#models.get(name);
    if (model === undefined) throw new StatusError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
    if (version !== -1 && version !== 1) {
      throw new StatusError('NOT_FOUND', `Request for unknown model: '${name}' version ${version} is not found`);
    }
    return model;
  }
}

/** A model with as many inputs and outputs as are named. */
export function modelConfig(
  name: string,
  options: {
    readonly inputs?: readonly string[];
    readonly outputs?: readonly string[];
    readonly dataType?: string;
    readonly dims?: string;
    readonly maxBatchSize?: number;
    readonly more?: string;
  } = {},
): string {
  const { inputs = ['INPUT0'], outputs = ['OUTPUT0'], dataType = 'TYPE_FP32', dims = '-1', maxBatchSize = 0 } = options;
  const tensors = (field: string, names: readonly string[]) =>
    names.map((tensor) => `${field} { name: "${tensor}" data_type: ${dataType} dims: [ ${dims} ] }`).join('\n');
  return `name: "${name}" backend: "fake" max_batch_size: ${maxBatchSize}\n${tensors('input', inputs)}\n${tensors('output', outputs)}\n${options.more ?? ''}`;
}

/** The add and subtract model of Triton's examples. */
export const SIMPLE = modelConfig('simple', {
  inputs: ['INPUT0', 'INPUT1'],
  outputs: ['OUTPUT0', 'OUTPUT1'],
  dataType: 'TYPE_INT32',
  dims: '16',
  maxBatchSize: 8,
});
