import type { OpContext } from './op-context.ts';
import { sizeOf } from './shape-arithmetic.ts';
import { convertElement, type Elements, type Value } from './value.ts';

/**
 * The elements of a node's first output, from the elements of its inputs. Called only when every input has some; `result` is what the
 * conversion says of the output. undefined: nothing is known.
 */
export type Fold = (op: OpContext, result: Value) => Elements | undefined;

/** The elements of input `index`. */
export function inputElements(op: OpContext, index: number): Elements {
  return op.input(index).elements ?? [];
}

/** A function of one element. */
export function foldUnary(compute: (x: number) => number): Fold {
  return (op, result) => inputElements(op, 0).map((x) => (x === undefined ? undefined : exactly(result, compute(x))));
}

/** `value` in the type of `result`; undefined for an integer so large that a number may have lost its last digits. */
export function exactly(result: Value, value: number): number | undefined {
  if (result.dataType.includes('INT') && Math.abs(value) > Number.MAX_SAFE_INTEGER) return undefined;
  return convertElement(result.dataType, value);
}

/** A function of two elements, with broadcasting; undefined from it means unknown, as a division by zero. */
export function foldBinary(compute: (a: number, b: number) => number | undefined): Fold {
  return (op, result) => {
    const [a, b] = [op.input(0), op.input(1)];
    const [left, right] = [broadcastReader(a, result), broadcastReader(b, result)];
    if (left === undefined || right === undefined) return undefined;
    return Array.from({ length: sizeOf(result.shape) ?? 0 }, (_, index) => {
      const [x, y] = [left(index), right(index)];
      const value = x === undefined || y === undefined ? undefined : compute(x, y);
      return value === undefined ? undefined : exactly(result, value);
    });
  };
}

/** The elements as they are: the operation changes only the shape. */
export const foldReshape: Fold = (op) => inputElements(op, 0);

/** Reads `value` as if it had the shape of `result`; undefined when its own shape is not fully known. */
export function broadcastReader(value: Value, result: Value): ((index: number) => number | undefined) | undefined {
  const { shape, elements } = value;
  const target = result.shape;
  if (shape === undefined || target === undefined || elements === undefined) return undefined;
  const strides = broadcastStrides(shape, target);
  return (index) => {
    let rest = index;
    let at = 0;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      const size = target[axis] as number;
      at += (rest % size) * (strides[axis] as number);
      rest = Math.floor(rest / size);
    }
    return elements[at];
  };
}

/** Step through a row-major tensor of `shape` per axis of `target`, 0 where it is repeated. */
function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = new Array<number>(target.length).fill(0);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    if (size !== 1) strides[axis + target.length - shape.length] = step;
    step *= size;
  }
  return strides;
}
