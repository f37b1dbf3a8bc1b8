import { StatusError, type Tensor } from '@nereid/protocol';
import { type BatchInput, BatchInput_Kind, DataType } from '@nereid/protocol/model-config';
import type { ModelSignature, ScheduledRequest } from '../../inference/index.ts';
import { elementCount } from './gather.ts';

/** A `batch_input` of a configuration: what a model learns about the requests in a ragged batch. */
export interface BatchInputSource {
  readonly kind: BatchInput_Kind;
  readonly dataType: 'INT32' | 'FP32';
  /** Place of the source in `ModelSignature.inputs`. */
  readonly source: number;
  /** The model's inputs that get the tensor. */
  readonly targets: readonly string[];
}

/** @throws StatusError INVALID_ARG for a source that is no input */
export function batchInputSources(batchInputs: readonly BatchInput[], signature: ModelSignature): BatchInputSource[] {
  return batchInputs.map((input) => {
    const name = input.sourceInput[0] ?? '';
    const source = signature.inputIndex.get(name);
    if (source === undefined) throw new StatusError('INVALID_ARG', `unknown source input name '${name}'`);
    return {
      kind: input.kind,
      dataType: input.dataType === DataType.TYPE_FP32 ? 'FP32' : 'INT32',
      source,
      targets: input.targetName,
    };
  });
}

/** Makes the tensor of one `batch_input`, once per target name. The kinds are described in Triton's `model_config.proto`. */
export function makeBatchInput(input: BatchInputSource, requests: readonly ScheduledRequest[]): Tensor[] {
  const shapes = requests.map((request) => request.inputs[input.source]?.shape ?? []);
  const { shape, values } = contents(input.kind, shapes);
  const array = input.dataType === 'FP32' ? Float32Array.from(values) : Int32Array.from(values);
  const data = new Uint8Array(array.buffer);
  return input.targets.map((name) => ({ name, dataType: input.dataType, shape, data }));
}

interface Contents {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function contents(kind: BatchInput_Kind, shapes: readonly (readonly number[])[]): Contents {
  const counts = shapes.map(elementCount);
  switch (kind) {
    case BatchInput_Kind.BATCH_ELEMENT_COUNT:
      return { shape: [counts.length], values: counts };
    case BatchInput_Kind.BATCH_ACCUMULATED_ELEMENT_COUNT:
      return { shape: [counts.length], values: accumulate(counts) };
    case BatchInput_Kind.BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO:
      return { shape: [counts.length + 1], values: [0, ...accumulate(counts)] };
    case BatchInput_Kind.BATCH_MAX_ELEMENT_COUNT_AS_SHAPE: {
      const largest = Math.max(0, ...counts);
      return { shape: [largest], values: new Array(largest).fill(0) };
    }
    case BatchInput_Kind.BATCH_ITEM_SHAPE: {
      const items = itemShapes(shapes);
      return { shape: [items.length, (shapes.at(-1)?.length ?? 1) - 1], values: items.flat() };
    }
    case BatchInput_Kind.BATCH_ITEM_SHAPE_FLATTEN: {
      const values = itemShapes(shapes).flat();
      return { shape: [values.length], values };
    }
    default:
      throw new StatusError('INTERNAL', 'unsupported BatchInputKind received');
  }
}

function accumulate(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}

/** The shape of every batch item, without the batch dimension. */
function itemShapes(shapes: readonly (readonly number[])[]): number[][] {
  return shapes.flatMap((shape) => Array.from({ length: shape[0] ?? 0 }, () => shape.slice(1)));
}
