import type { ElementType } from '../format/index.ts';
import { isBig, isFloat, promote, realType } from './types.ts';

/** Operands converted to `computeType`, then `apply` per element; `applyBig` for 64-bit integers. Results wrap as the result type does. */
export interface ArithmeticFunction {
  readonly arity: number;
  readonly resultType: (operands: readonly ElementType[]) => ElementType;
  readonly computeType: (operands: readonly ElementType[]) => ElementType;
  readonly apply: (type: ElementType) => (a: number, b: number, c: number) => number;
  readonly applyBig?: (a: bigint, b: bigint, c: bigint) => bigint;
}

const common = (operands: readonly ElementType[]): ElementType =>
  operands.reduce((left, right) => promote(left, right));
const real = (operands: readonly ElementType[]): ElementType => realType(common(operands));

function same(
  arity: number,
  apply: ArithmeticFunction['apply'],
  applyBig: (a: bigint, b: bigint, c: bigint) => bigint,
): ArithmeticFunction {
  return { arity, resultType: common, computeType: common, apply, applyBig };
}

function ofReals(arity: number, apply: (a: number, b: number) => number): ArithmeticFunction {
  return { arity, resultType: real, computeType: real, apply: () => apply };
}

function comparison(apply: (a: number | bigint, b: number | bigint) => boolean): ArithmeticFunction {
  return {
    arity: 2,
    resultType: () => 'BOOL',
    // Wide enough for both operands exactly, so that signs compare as they are.
    computeType: (operands) =>
      operands.every((type) => !isFloat(type)) && operands.some(isBig)
        ? 'INT64'
        : operands.some(isFloat)
          ? common(operands)
          : 'FLOAT64',
    apply: () => (a, b) => (apply(a, b) ? 1 : 0),
    applyBig: (a, b) => (apply(a, b) ? 1n : 0n),
  };
}

function bitwise(
  apply: (a: number, b: number) => number,
  applyBig: (a: bigint, b: bigint) => bigint,
): ArithmeticFunction {
  return { arity: 2, resultType: common, computeType: common, apply: () => apply, applyBig };
}

/** C's integer division: towards zero; a zero divisor gives 0 instead of a trap. */
function divide(type: ElementType): (a: number, b: number) => number {
  return isFloat(type) ? (a, b) => a / b : (a, b) => (b === 0 ? 0 : Math.trunc(a / b));
}

function remainder(type: ElementType): (a: number, b: number) => number {
  return isFloat(type) ? (a, b) => a % b : (a, b) => (b === 0 ? 0 : a % b);
}

/** Products of 32-bit integers exceed what a double holds exactly. */
function multiply(type: ElementType): (a: number, b: number) => number {
  return type === 'INT32' || type === 'UINT32' ? Math.imul : (a, b) => a * b;
}

function power(type: ElementType): (a: number, b: number) => number {
  if (isFloat(type)) return (a, b) => a ** b;
  const times = multiply(type);
  return (base, exponent) => {
    if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
    let result = 1;
    for (let factor = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2), factor = times(factor, factor)) {
      if (rest % 2 === 1) result = times(result, factor);
    }
    return result;
  };
}

function powerBig(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let factor = base, rest = exponent; rest > 0n; rest /= 2n, factor = BigInt.asUintN(64, factor * factor)) {
    if (rest % 2n === 1n) result = BigInt.asUintN(64, result * factor);
  }
  return result;
}

function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

const REAL_FUNCTIONS = {
  fabs: Math.abs,
  sqrt: Math.sqrt,
  rsqrt: (a: number) => 1 / Math.sqrt(a),
  cbrt: Math.cbrt,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  floor: Math.floor,
  ceil: Math.ceil,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
} as const;

/** DALI's arithmetic functions by their names in expressions. */
export const ARITHMETIC_FUNCTIONS: ReadonlyMap<string, ArithmeticFunction> = new Map<string, ArithmeticFunction>([
  [
    'plus',
    same(
      1,
      () => (a) => a,
      (a) => a,
    ),
  ],
  [
    'minus',
    same(
      1,
      () => (a) => -a,
      (a) => -a,
    ),
  ],
  [
    'abs',
    same(
      1,
      () => Math.abs,
      (a) => (a < 0n ? -a : a),
    ),
  ],
  ...Object.entries(REAL_FUNCTIONS).map(([name, apply]): [string, ArithmeticFunction] => [name, ofReals(1, apply)]),
  [
    'add',
    same(
      2,
      () => (a, b) => a + b,
      (a, b) => a + b,
    ),
  ],
  [
    'sub',
    same(
      2,
      () => (a, b) => a - b,
      (a, b) => a - b,
    ),
  ],
  ['mul', same(2, multiply, (a, b) => a * b)],
  ['div', same(2, divide, (a, b) => (b === 0n ? 0n : a / b))],
  ['mod', same(2, remainder, (a, b) => (b === 0n ? 0n : a % b))],
  ['fdiv', ofReals(2, (a, b) => a / b)],
  ['fpow', ofReals(2, (a, b) => a ** b)],
  ['pow', same(2, power, powerBig)],
  ['atan2', ofReals(2, Math.atan2)],
  ['min', same(2, () => Math.min, smaller)],
  ['max', same(2, () => Math.max, larger)],
  [
    'clamp',
    same(
      3,
      () => (a, low, high) => Math.min(Math.max(a, low), high),
      (a, low, high) => smaller(larger(a, low), high),
    ),
  ],
  ['eq', comparison((a, b) => a === b)],
  ['neq', comparison((a, b) => a !== b)],
  ['lt', comparison((a, b) => a < b)],
  ['leq', comparison((a, b) => a <= b)],
  ['gt', comparison((a, b) => a > b)],
  ['geq', comparison((a, b) => a >= b)],
  [
    'bitand',
    bitwise(
      (a, b) => a & b,
      (a, b) => a & b,
    ),
  ],
  [
    'bitor',
    bitwise(
      (a, b) => a | b,
      (a, b) => a | b,
    ),
  ],
  [
    'bitxor',
    bitwise(
      (a, b) => a ^ b,
      (a, b) => a ^ b,
    ),
  ],
]);

/** Functions that floating-point operands have no meaning for. */
export const INTEGER_ONLY: ReadonlySet<string> = new Set(['bitand', 'bitor', 'bitxor']);
