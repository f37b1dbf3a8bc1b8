import type { ImageDecoder, ImageKernels } from '@nereid/engine/image';
import { type ElementType, elementByteSize } from '../format/index.ts';
import { OperatorError } from './errors.ts';
import type { NamedTensors, OpArguments } from './op-arguments.ts';
import { SampleTensor, Storage, volume } from './sample-tensor.ts';

const MAX_DIMENSIONS = 32;

/** What operators work with while they run; one per thread. */
export class OperatorContext {
  readonly kernels: ImageKernels;
  readonly decoder: ImageDecoder;

  constructor(kernels: ImageKernels, decoder: ImageDecoder) {
    this.kernels = kernels;
    this.decoder = decoder;
  }

  /** A new tensor with undefined contents. Throws for a shape that is no shape, or that does not fit. */
  allocate(type: ElementType, shape: readonly number[], layout: string): SampleTensor {
    if (shape.length > MAX_DIMENSIONS)
      throw new OperatorError(`a result of ${shape.length} dimensions is not supported`);
    const bad = shape.find((extent) => !Number.isSafeInteger(extent) || extent < 0);
    if (bad !== undefined) throw new OperatorError(`the result's shape (${shape.join(', ')}) is not valid`);
    const byteLength = volume(shape) * elementByteSize(type);
    return new SampleTensor(
      type,
      shape,
      layout,
      Storage.own(this.kernels, this.kernels.allocate(byteLength), byteLength),
    );
  }

  /** Address of a tensor's contents in kernel memory; `release` what `tensor` is afterwards. Copies only what is outside. */
  inKernelMemory(tensor: SampleTensor): SampleTensor {
    if (tensor.storage.address !== 0) return tensor.alias({});
    const copy = this.allocate(tensor.type, tensor.shape, tensor.layout);
    copy.bytes().set(tensor.bytes());
    return copy;
  }
}

type Outputs = readonly SampleTensor[];

/** An operator ready to run. Inputs stay the caller's; outputs are the caller's to release. */
export interface SampleOperator {
  readonly scope: 'sample';
  run(context: OperatorContext, inputs: readonly SampleTensor[], named: NamedTensors): Outputs | Promise<Outputs>;
}

/** An operator whose result for one sample depends on the others of the request (padding to the largest). */
export interface BatchOperator {
  readonly scope: 'batch';
  /** `samples[i]` are the inputs of sample i; a failure concerns the whole request. */
  runBatch(
    context: OperatorContext,
    samples: readonly (readonly SampleTensor[])[],
    named: readonly NamedTensors[],
  ): Outputs[];
}

export type CompiledOperator = (SampleOperator | BatchOperator) & {
  /** Element types of the outputs; undefined where the input's is not known before it runs. */
  readonly inferTypes: (inputs: readonly (ElementType | undefined)[]) => readonly (ElementType | undefined)[];
};

export interface OperatorDefinition {
  /** Schema names, without leading underscores. */
  readonly names: readonly string[];
  /** Regular inputs it takes, at least and at most. */
  readonly inputs: readonly [number, number];
  readonly outputs?: readonly [number, number];
  /** Reads the arguments. Throws PipelineCompileError (through `args.fail`). */
  compile(args: OpArguments): CompiledOperator;
}

/** `inferTypes` of an operator that keeps its first input's type, or has one of its own. */
export function sameTypeUnless(type: ElementType | undefined): CompiledOperator['inferTypes'] {
  return ([input]) => [type ?? input];
}
