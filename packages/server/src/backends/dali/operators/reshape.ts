import { type ElementType, elementByteSize } from '../format/index.ts';
import {
  type OpArguments,
  type OperatorDefinition,
  OperatorError,
  roundHalfAway,
  type SampleTensor,
  sameTypeUnless,
  volume,
} from '../pipeline/index.ts';

/** Sees the same elements with another shape or layout: `shape` (one -1), `rel_shape`, `src_dims`, or a shape input. */
export const reshape: OperatorDefinition = {
  names: ['Reshape'],
  inputs: [1, 2],
  compile: (args) => compileReshape(args, undefined),
};

/** Reshape that may also change the element type; without a shape the last dimension is adjusted. */
export const reinterpret: OperatorDefinition = {
  names: ['Reinterpret'],
  inputs: [1, 2],
  compile: (args) => compileReshape(args, args.dataType('dtype')),
};

function compileReshape(args: OpArguments, type: ElementType | undefined): ReturnType<OperatorDefinition['compile']> {
  const absolute = args.perSample('shape');
  const relative = args.perSample('rel_shape');
  const layout = args.has('layout') ? args.string('layout', '') : undefined;
  const sourceDims = args.ints('src_dims');
  const hasShapeInput = args.regularInputCount === 2;
  const ways = [absolute, relative, hasShapeInput ? true : undefined].filter((way) => way !== undefined);
  if (ways.length > 1) throw args.fail('a shape input, "shape" and "rel_shape" exclude each other');
  if (ways.length === 0 && layout === undefined && sourceDims === undefined && type === undefined) {
    throw args.fail('neither a new shape nor a layout nor a type is given');
  }
  return {
    scope: 'sample',
    inferTypes: sameTypeUnless(type),
    run: (_context, inputs, named) => {
      const input = inputs[0]!;
      const wanted = hasShapeInput
        ? inputs[1]!.numbers()
        : (absolute?.(named) ?? relativeShape(relative?.(named), input, sourceDims));
      const toType = type ?? input.type;
      const shape = wanted === undefined ? keptShape(input, sourceDims, toType) : inferExtent(wanted, input, toType);
      const newLayout =
        layout ?? (shape.length === input.layout.length && sourceDims === undefined ? input.layout : '');
      if (newLayout !== '' && newLayout.length !== shape.length) {
        throw new OperatorError(`layout "${newLayout}" does not fit the shape (${shape.join(', ')})`);
      }
      return [input.alias({ type: toType, shape, layout: newLayout })];
    },
  };
}

function relativeShape(
  factors: readonly number[] | undefined,
  input: SampleTensor,
  sourceDims: readonly number[] | undefined,
): number[] | undefined {
  if (factors === undefined) return undefined;
  const limit = sourceDims?.length ?? input.shape.length;
  if (factors.length > limit || (sourceDims !== undefined && factors.length !== limit)) {
    throw new OperatorError(`"rel_shape" has ${factors.length} elements where ${limit} dimensions are`);
  }
  return factors.map((factor, d) => (factor < 0 ? -1 : roundHalfAway(factor * extentOf(input, sourceDims?.[d] ?? d))));
}

function extentOf(input: SampleTensor, dimension: number): number {
  if (dimension === -1) return 1;
  const extent = input.shape[dimension];
  if (extent === undefined)
    throw new OperatorError(`"src_dims" holds ${dimension} but the input has ${input.shape.length} dimensions`);
  return extent;
}

/** The input's shape (its dimensions picked by `src_dims`), the last one adjusted to the new type's size. */
function keptShape(input: SampleTensor, sourceDims: readonly number[] | undefined, type: ElementType): number[] {
  const shape = sourceDims === undefined ? [...input.shape] : sourceDims.map((dimension) => extentOf(input, dimension));
  if (elementByteSize(type) === elementByteSize(input.type)) return checkVolume(shape, input, type);
  const last = shape.pop() ?? 1;
  const bytes = last * elementByteSize(input.type);
  if (bytes % elementByteSize(type) !== 0)
    throw new OperatorError(`rows of ${bytes} bytes do not hold whole elements of type ${type}`);
  return checkVolume([...shape, bytes / elementByteSize(type)], input, type);
}

/** Works out the one negative extent. */
function inferExtent(wanted: readonly number[], input: SampleTensor, type: ElementType): number[] {
  const open = wanted.filter((extent) => extent < 0).length;
  if (open > 1) throw new OperatorError(`only one extent of the shape (${wanted.join(', ')}) may be negative`);
  if (open === 0) return checkVolume([...wanted], input, type);
  const rest = wanted.reduce((product, extent) => (extent < 0 ? product : product * extent), 1);
  const elements = input.byteLength / elementByteSize(type);
  const inferred = rest === 0 ? Number.NaN : elements / rest;
  if (!Number.isInteger(inferred))
    throw new OperatorError(`${elements} elements cannot take the shape (${wanted.join(', ')})`);
  return wanted.map((extent) => (extent < 0 ? inferred : extent));
}

function checkVolume(shape: number[], input: SampleTensor, type: ElementType): number[] {
  const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (!valid || volume(shape) * elementByteSize(type) !== input.byteLength) {
    throw new OperatorError(
      `the input's shape (${input.shape.join(', ')}) cannot become (${shape.join(', ')}): the number of elements differs`,
    );
  }
  return shape;
}
