import type { DataNode, TypedConstant } from './node.ts';
import type { PipelineBuilder } from './pipeline-builder.ts';

export type Operand = DataNode | number | TypedConstant;

const UNARY = [
  'minus',
  'exp',
  'sqrt',
  'rsqrt',
  'cbrt',
  'log',
  'log2',
  'log10',
  'abs',
  'fabs',
  'floor',
  'ceil',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
] as const;
const BINARY = [
  'add',
  'sub',
  'mul',
  'fdiv',
  'div',
  'mod',
  'min',
  'max',
  'pow',
  'fpow',
  'atan2',
  'eq',
  'neq',
  'lt',
  'leq',
  'gt',
  'geq',
  'bitand',
  'bitor',
  'bitxor',
] as const;

type Unary = (operand: DataNode) => DataNode;
type Binary = (left: Operand, right: Operand) => DataNode;

/** Arithmetic under the names of DALI's expressions: `fdiv` is Python's `/`, `div` its `//`. */
export type ArithmeticFunctions = Record<(typeof UNARY)[number], Unary> &
  Record<(typeof BINARY)[number], Binary> & { clamp(value: Operand, low: Operand, high: Operand): DataNode };

export function arithmeticFunctions(builder: PipelineBuilder): ArithmeticFunctions {
  const entries: [string, (...operands: Operand[]) => DataNode][] = [...UNARY, ...BINARY, 'clamp' as const].map(
    (name) => [name, (...operands) => addExpression(builder, name, operands)],
  );
  return Object.fromEntries(entries) as unknown as ArithmeticFunctions;
}

/** DALI writes one operator per function: `fdiv(&0 $0:int32)`, tensors as `&i`, constants as `$i:type` into the list of their kind. */
function addExpression(builder: PipelineBuilder, name: string, operands: readonly Operand[]): DataNode {
  const inputs: DataNode[] = [];
  const integers: number[] = [];
  const reals: number[] = [];
  const terms = operands.map((operand) => {
    if (typeof operand === 'object' && 'device' in operand) {
      inputs.push(operand);
      return `&${inputs.length - 1}`;
    }
    const value = typeof operand === 'number' ? operand : operand.value;
    const type = typeof operand === 'number' ? (Number.isInteger(operand) ? 'INT32' : 'FLOAT') : operand.type;
    if (type === 'INT32') {
      integers.push(value);
      return `$${integers.length - 1}:int32`;
    }
    reals.push(value);
    return `$${reals.length - 1}:float`;
  });
  if (inputs.length === 0) throw new TypeError(`${name} needs at least one tensor`);
  const constants = {
    ...(integers.length > 0 ? { integerConstants: integers } : {}),
    ...(reals.length > 0 ? { realConstants: reals } : {}),
  };
  return builder.add('ArithmeticGenericOp', inputs, {
    expressionDesc: `${name}(${terms.join(' ')})`,
    ...constants,
  })[0]!;
}
