/// <reference lib="esnext.float16" />
import { type ElementType, elementByteSize } from '../format/index.ts';
import {
  denseStrides,
  type ElementArray,
  forEachRow,
  OperatorError,
  type SampleTensor,
  viewElements,
  volume,
} from '../pipeline/index.ts';
import type { Expression } from './expression.ts';
import { ARITHMETIC_FUNCTIONS, type ArithmeticFunction, INTEGER_ONLY } from './functions.ts';
import { isBig, isFloat } from './types.ts';

/** A dense operand or intermediate. */
export interface Operand {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly layout: string;
  readonly values: ElementArray;
}

const MAX_ELEMENTS = 2 ** 28;

/** Computes an expression over the tensors of one sample. Throws OperatorError where shapes or types do not go together. */
export function evaluate(
  expression: Expression,
  inputs: readonly SampleTensor[],
  constant: (index: number, type: ElementType) => Operand,
): Operand {
  if (expression.kind === 'constant') return constant(expression.index, expression.type);
  if (expression.kind === 'input') {
    const { type, shape, layout } = inputs[expression.index]!;
    return { type, shape, layout, values: inputs[expression.index]!.elements() };
  }
  const operands = expression.operands.map((operand) => evaluate(operand, inputs, constant));
  if (INTEGER_ONLY.has(expression.name) && operands.some((operand) => isFloat(operand.type))) {
    throw new OperatorError(`the function "${expression.name}" does not take floating-point operands`);
  }
  return applyFunction(ARITHMETIC_FUNCTIONS.get(expression.name)!, operands);
}

function applyFunction(definition: ArithmeticFunction, operands: readonly Operand[]): Operand {
  const types = operands.map((operand) => operand.type);
  const type = definition.resultType(types);
  const computeType = definition.computeType(types);
  const shape = broadcastShape(operands.map((operand) => operand.shape));
  const layout = commonLayout(operands.map((operand) => operand.layout));
  const size = volume(shape);
  if (size > MAX_ELEMENTS)
    throw new OperatorError(`a result of shape (${shape.join(', ')}) exceeds ${MAX_ELEMENTS} elements`);
  const values = viewElements(type, new Uint8Array(size * elementByteSize(type)));
  const strides = operands.map((operand) => repeatStrides(operand.shape, shape));
  if (isBig(computeType) && definition.applyBig !== undefined) {
    computeBig(definition.applyBig, operands, strides, shape, values, type);
  } else {
    computeNumbers(definition.apply(computeType), operands, strides, shape, values, computeType);
  }
  return { type, shape, layout, values };
}

function computeNumbers(
  apply: (a: number, b: number, c: number) => number,
  operands: readonly Operand[],
  strides: readonly (readonly number[])[],
  shape: readonly number[],
  values: ElementArray,
  computeType: ElementType,
): void {
  const [first, second, third] = operands.map((operand) => convertTo(operand, computeType));
  const x = first!;
  const y = second ?? x;
  const z = third ?? x;
  const out = values as Float64Array;
  const steps = operands.map((operand) => flatStep(operand, out.length));
  if (steps.includes(undefined)) {
    walk(strides, shape, (at, a, b, c) => {
      out[at] = apply(x[a]!, y[b]!, z[c]!);
    });
    return;
  }
  const [a, b, c] = [steps[0]!, steps[1] ?? 0, steps[2] ?? 0];
  for (let i = 0; i < out.length; i++) out[i] = apply(x[i * a]!, y[i * b]!, z[i * c]!);
}

/** Elements in the type that is computed in; 64-bit integers meet floating point here and are rounded to it. */
function convertTo({ type, values }: Operand, computeType: ElementType): Float64Array {
  if (type === computeType) return values as Float64Array;
  const converted = viewElements(computeType, new Uint8Array(values.length * elementByteSize(computeType)));
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    (converted as Float64Array).set(Float64Array.from(values, Number));
  } else (converted as Float64Array).set(values as Float64Array);
  return converted as Float64Array;
}

/** Elements per element of the result for an operand that is as large, or a single value; undefined for one that repeats otherwise. */
function flatStep(operand: Operand, size: number): number | undefined {
  const count = operand.values.length;
  if (count === size) return 1;
  return count === 1 ? 0 : undefined;
}

function computeBig(
  apply: (a: bigint, b: bigint, c: bigint) => bigint,
  operands: readonly Operand[],
  strides: readonly (readonly number[])[],
  shape: readonly number[],
  values: ElementArray,
  type: ElementType,
): void {
  const big = operands.map(
    ({ values: elements }) =>
      (at: number) =>
        BigInt(elements[at] as number | bigint),
  );
  const [first, second, third] = big;
  const out = values as BigInt64Array;
  const bools = values as Uint8Array;
  walk(strides, shape, (at, a, b, c) => {
    const result = apply(first!(a), second === undefined ? 0n : second(b), third === undefined ? 0n : third(c));
    if (type === 'BOOL') bools[at] = Number(result);
    else out[at] = result;
  });
}

/** Visits every element of a result with the offsets of up to three operands. */
function walk(
  strides: readonly (readonly number[])[],
  shape: readonly number[],
  visit: (at: number, a: number, b: number, c: number) => void,
): void {
  const last = shape.length - 1;
  const length = last < 0 ? 1 : shape[last]!;
  const [a, b, c] = [strides[0]!, strides[1] ?? strides[0]!, strides[2] ?? strides[0]!];
  const [aStep, bStep, cStep] = [a[last] ?? 0, b[last] ?? 0, c[last] ?? 0];
  let at = 0;
  forEachRow(
    { shape, source: { offset: 0, strides: a }, destination: { offset: 0, strides: b } },
    (aStart, bStart, index) => {
      let cStart = 0;
      for (let d = 0; d < index.length; d++) cStart += index[d]! * c[d]!;
      for (let i = 0; i < length; i++) visit(at++, aStart + i * aStep, bStart + i * bStep, cStart + i * cStep);
    },
  );
}

/** numpy's rule: aligned at the last dimension, extents equal or 1. */
function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const dimensions = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: dimensions }, (_, d) => {
    let extent = 1;
    for (const shape of shapes) {
      const own = shape[d - (dimensions - shape.length)] ?? 1;
      if (own !== 1 && extent !== 1 && own !== extent) {
        throw new OperatorError(
          `operands of shapes ${shapes.map((s) => `(${s.join(', ')})`).join(' and ')} cannot be combined`,
        );
      }
      if (own !== 1) extent = own;
    }
    return extent;
  });
}

function repeatStrides(shape: readonly number[], result: readonly number[]): number[] {
  const dense = denseStrides(shape);
  const offset = result.length - shape.length;
  return result.map((_, d) => (d < offset || shape[d - offset] === 1 ? 0 : dense[d - offset]!));
}

/** The longest layout; the others must be its end. */
function commonLayout(layouts: readonly string[]): string {
  const longest = layouts.reduce((left, right) => (right.length > left.length ? right : left));
  const odd = layouts.find((layout) => !longest.endsWith(layout));
  if (odd !== undefined) throw new OperatorError(`operands with layouts "${longest}" and "${odd}" cannot be combined`);
  return longest;
}
