import { type DataType, dataTypeByteSize, type Tensor } from '@nereid/protocol';
import {
  ModelSequenceBatching_Control_Kind as ControlKind,
  type ModelConfig,
  type ModelSequenceBatching,
  type ModelSequenceBatching_Control,
} from '@nereid/protocol/model-config';
import { toProtocolDataType } from '../../config/index.ts';
import { type BatchingPolicy, makePolicy } from '../dynamic-batch/policy.ts';

/** An input tensor by which a model learns where each row of a batch stands in its sequence. */
export interface SequenceControl {
  readonly name: string;
  readonly kind: 'start' | 'ready' | 'end' | 'correlation';
  readonly dataType: DataType;
  /** One element each; for `correlation` what a row without a sequence carries. */
  readonly falseValue: Uint8Array;
  readonly trueValue: Uint8Array;
}

/** A tensor that a model gives out and gets back with the next request of the same sequence. */
export interface SequenceState {
  readonly inputName: string;
  readonly outputName: string;
  /** What the first request of a sequence gets, with the batch dimension when the model has one. */
  readonly initial: Tensor;
}

export type SequenceStrategy =
  | { readonly kind: 'direct'; readonly maxDelayNs: number; readonly minimumUtilization: number }
  | { readonly kind: 'oldest'; readonly batching: BatchingPolicy };

/** `sequence_batching` with numbers and bytes. */
export interface SequencePolicy {
  readonly modelName: string;
  /** Whether the model has a batch dimension. */
  readonly batches: boolean;
  /** Sequences that an instance serves at a time. */
  readonly slotsPerInstance: number;
  readonly maxIdleNs: number;
  readonly controls: readonly SequenceControl[];
  readonly states: readonly SequenceState[];
  /** A request without an id is a sequence of its own, and a backend may let it run again (`ScheduledRequest.reschedule`). */
  readonly iterative: boolean;
  readonly strategy: SequenceStrategy;
}

const KINDS: ReadonlyMap<ControlKind, SequenceControl['kind']> = new Map([
  [ControlKind.CONTROL_SEQUENCE_START, 'start'],
  [ControlKind.CONTROL_SEQUENCE_READY, 'ready'],
  [ControlKind.CONTROL_SEQUENCE_END, 'end'],
  [ControlKind.CONTROL_SEQUENCE_CORRID, 'correlation'],
]);

/** @param initialStates by input name: contents of `initial_state` where the configuration has one, without batch dimension */
export function sequencePolicy(
  config: ModelConfig,
  batching: ModelSequenceBatching,
  initialStates: ReadonlyMap<string, Tensor>,
): SequencePolicy {
  const batches = config.maxBatchSize > 0;
  const oldest = batching.strategyChoice.case === 'oldest' ? batching.strategyChoice.value : undefined;
  return {
    modelName: config.name,
    batches,
    slotsPerInstance:
      oldest !== undefined && oldest.maxCandidateSequences > 0
        ? oldest.maxCandidateSequences
        : Math.max(1, config.maxBatchSize),
    maxIdleNs: Number(batching.maxSequenceIdleMicroseconds) * 1000,
    controls: batching.controlInput.flatMap(({ name, control }) => control.map((each) => sequenceControl(name, each))),
    states: batching.state.map((state) => {
      const dataType = toProtocolDataType(state.dataType) ?? 'FP32';
      const initial = initialStates.get(state.inputName) ?? zeroState(state.inputName, dataType, state.dims);
      const shape = batches ? [1, ...initial.shape] : initial.shape;
      return { inputName: state.inputName, outputName: state.outputName, initial: { ...initial, shape } };
    }),
    iterative: batching.iterativeSequence,
    strategy: strategyOf(config, batching),
  };
}

function strategyOf(config: ModelConfig, { strategyChoice }: ModelSequenceBatching): SequenceStrategy {
  if (strategyChoice.case === 'oldest') {
    const { preferredBatchSize, maxQueueDelayMicroseconds, preserveOrdering } = strategyChoice.value;
    const maxDelayNs = Number(maxQueueDelayMicroseconds) * 1000;
    const { maxBatchSize } = config;
    return {
      kind: 'oldest',
      batching: makePolicy({ maxBatchSize, preferredSizes: preferredBatchSize, maxDelayNs, preserveOrdering }),
    };
  }
  const direct = strategyChoice.case === 'direct' ? strategyChoice.value : undefined;
  return {
    kind: 'direct',
    maxDelayNs: Number(direct?.maxQueueDelayMicroseconds ?? 0n) * 1000,
    minimumUtilization: direct?.minimumSlotUtilization ?? 0,
  };
}

function sequenceControl(name: string, control: ModelSequenceBatching_Control): SequenceControl {
  const kind = KINDS.get(control.kind) ?? 'start';
  if (kind === 'correlation') {
    const dataType = toProtocolDataType(control.dataType) ?? 'UINT64';
    const none = new Uint8Array(dataType === 'BYTES' ? 4 : dataTypeByteSize(dataType));
    return { name, kind, dataType, falseValue: none, trueValue: none };
  }
  if (control.int32FalseTrue.length > 0) return flag(name, kind, 'INT32', Int32Array.from(control.int32FalseTrue));
  if (control.fp32FalseTrue.length > 0) return flag(name, kind, 'FP32', Float32Array.from(control.fp32FalseTrue));
  return flag(name, kind, 'BOOL', Uint8Array.from(control.boolFalseTrue, Number));
}

function flag(
  name: string,
  kind: SequenceControl['kind'],
  dataType: DataType,
  values: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): SequenceControl {
  const bytes = new Uint8Array(values.buffer);
  const size = values.BYTES_PER_ELEMENT;
  return { name, kind, dataType, falseValue: bytes.subarray(0, size), trueValue: bytes.subarray(size, 2 * size) };
}

/** Variable dimensions start as 1, BYTES elements empty. */
function zeroState(name: string, dataType: DataType, dims: readonly bigint[]): Tensor {
  const shape = dims.map((dim) => (dim < 0n ? 1 : Number(dim)));
  const count = shape.reduce((product, dim) => product * dim, 1);
  return {
    name,
    dataType,
    shape,
    data: new Uint8Array(count * (dataType === 'BYTES' ? 4 : dataTypeByteSize(dataType))),
  };
}
