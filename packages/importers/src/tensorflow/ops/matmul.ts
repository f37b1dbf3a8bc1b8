import { string } from '@nereid/onnx';
import type { Shape } from '../graph-def.ts';
import type { OpContext } from '../op-context.ts';
import { UNKNOWN } from '../shape-arithmetic.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { broadcastShape, transposed } from './common.ts';

/** a (…, N, M) x b (…, M, K) -> (…, N, K), after the transposes that the attributes ask for. */
function product(op: OpContext, transposeA: boolean, transposeB: boolean): Value {
  const a = transposeA ? lastAxesSwapped(op, op.input(0)) : op.input(0);
  const b = transposeB ? lastAxesSwapped(op, op.input(1)) : op.input(1);
  return op.emit('MatMul', [a, b], { dataType: a.dataType, shape: productShape(op, a.shape, b.shape) });
}

/** a (N, M) x b (M, K) -> (N, K) */
export function matrixProduct(op: OpContext): Value {
  return product(op, op.attributes.bool('transpose_a', false), op.attributes.bool('transpose_b', false));
}

function lastAxesSwapped(op: OpContext, value: Value): Value {
  const rank = op.rank(value, 'an operand');
  const perm = Array.from({ length: rank }, (_, index) => index);
  return transposed(op, value, [...perm.slice(0, -2), rank - 1, rank - 2]);
}

function productShape(op: OpContext, a: Shape, b: Shape): Shape {
  if (a === undefined || b === undefined) return undefined;
  if (a.length < 2 || b.length < 2) op.invalid(`operands of shapes [${a}] and [${b}]`);
  const [inner, other] = [a.at(-1) as number, b.at(-2) as number];
  if (inner !== other && inner !== UNKNOWN && other !== UNKNOWN) op.invalid(`operands of shapes [${a}] and [${b}]`);
  const outer = broadcastShape(op, a.slice(0, -2), b.slice(0, -2));
  return outer === undefined ? undefined : [...outer, a.at(-2) as number, b.at(-1) as number];
}

function einsum(op: OpContext): Value {
  const equation = op.attributes.string('equation').replaceAll(' ', '');
  const type = op.input(0).dataType;
  return op.emit(
    'Einsum',
    op.inputs,
    { dataType: type, shape: einsumShape(op, equation) },
    { equation: string(equation) },
  );
}

/** Sizes of the result by its letters; not known where an ellipsis stands for axes. */
function einsumShape(op: OpContext, equation: string): Shape {
  const [operands, result] = equation.split('->');
  if (operands === undefined || result === undefined || equation.includes('.')) return undefined;
  const sizes = new Map<string, number>();
  for (const [index, letters] of operands.split(',').entries()) {
    for (const [axis, letter] of [...letters].entries()) {
      const size = op.input(index).shape?.[axis] ?? UNKNOWN;
      if (size !== UNKNOWN || !sizes.has(letter)) sizes.set(letter, size);
    }
  }
  return [...result].map((letter) => sizes.get(letter) ?? UNKNOWN);
}

export const MATMUL_OPS: readonly TfOp[] = [
  {
    op: 'MatMul',
    source: 'MatMul(a (N, M), b (M, K); transpose_a, transpose_b) -> (N, K)',
    target: 'MatMul(A, B)',
    convert: matrixProduct,
  },
  ...aliases(['BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3'], {
    source: 'BatchMatMulV2(x (…, N, M), y (…, M, K); adj_x, adj_y) -> (…, N, K)',
    target: 'MatMul(A, B)',
    convert: (op) => product(op, op.attributes.bool('adj_x', false), op.attributes.bool('adj_y', false)),
  }),
  {
    op: 'Einsum',
    source: 'Einsum(inputs…; equation) -> (…)',
    target: 'Einsum(Inputs…; equation)',
    convert: einsum,
  },
];
