import type { DataType } from './data-type.ts';

/**
 * Element types that ONNX Runtime 1.30 computes an operator in on a CPU, for operators that do not take them all (found by creating a
 * session per operator and type). DT_HALF counts as DT_FLOAT: ONNX Runtime converts by itself.
 */
const INTEGERS = [
  'DT_INT8',
  'DT_UINT8',
  'DT_INT16',
  'DT_UINT16',
  'DT_INT32',
  'DT_UINT32',
  'DT_INT64',
  'DT_UINT64',
] as const;
const REALS = ['DT_FLOAT', 'DT_DOUBLE'] as const;
const NUMBERS = [...REALS, ...INTEGERS] as const;
const REALS_AND_WORDS = [...REALS, 'DT_INT32', 'DT_INT64'] as const;
const FLOAT = ['DT_FLOAT'] as const;
const BLOCK_MOVES = [...REALS, 'DT_INT8', 'DT_UINT8'] as const;
const EXTREMA = [...REALS, 'DT_INT8', 'DT_UINT8', 'DT_INT32', 'DT_INT64'] as const;

const COMPUTED_TYPES: ReadonlyMap<string, readonly DataType[]> = new Map<string, readonly DataType[]>([
  ...each(
    ['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Abs', 'Sign', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual'],
    NUMBERS,
  ),
  ...each(['Equal'], [...NUMBERS, 'DT_BOOL']),
  ...each(['Max', 'Min', 'Clip'], [...EXTREMA, 'DT_UINT32', 'DT_UINT64']),
  ...each(['Pow', 'PRelu', 'CumSum', 'Einsum', 'ReduceMean', 'ReduceSum', 'ReduceProd'], REALS_AND_WORDS),
  ...each(['ReduceMax', 'ReduceMin', 'ArgMax', 'ArgMin'], EXTREMA),
  ...each(['Neg'], [...REALS, 'DT_INT8', 'DT_INT16', 'DT_INT32', 'DT_INT64']),
  ...each(
    ['Exp', 'Log', 'Sqrt', 'Reciprocal', 'Floor', 'Ceil', 'Round', 'Sin', 'Cos', 'Tanh', 'Sigmoid', 'Elu', 'Selu'],
    REALS,
  ),
  ...each(['Softplus', 'Softsign', 'LeakyRelu', 'Softmax', 'LogSoftmax', 'IsNaN', 'IsInf', 'Sum'], REALS),
  ...each(['BatchNormalization'], REALS),
  ...each(['Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh', 'Erf'], FLOAT),
  ...each(['Conv', 'ConvTranspose', 'AveragePool', 'LRN', 'Resize'], FLOAT),
  ...each(['Relu'], [...REALS, 'DT_INT8', 'DT_INT32', 'DT_INT64']),
  ...each(['MatMul'], [...REALS, 'DT_INT32', 'DT_UINT32', 'DT_INT64', 'DT_UINT64']),
  ...each(['MaxPool', 'DepthToSpace', 'SpaceToDepth'], BLOCK_MOVES),
  ...each(['Pad'], [...EXTREMA, 'DT_UINT32', 'DT_UINT64', 'DT_BOOL']),
  ...each(['TopK'], [...REALS, 'DT_INT8', 'DT_UINT8', 'DT_INT16', 'DT_INT32', 'DT_INT64']),
  ...each(['Where'], [...REALS_AND_WORDS, 'DT_UINT8', 'DT_STRING']),
  ...each(['NonZero'], ['DT_FLOAT', 'DT_UINT8', 'DT_INT32', 'DT_INT64', 'DT_BOOL']),
  ...each(['Range'], [...REALS_AND_WORDS, 'DT_INT16']),
]);

/** Wider types with the same results, after conversion back (integers wrap), in order of preference. */
const WIDER: Partial<Record<DataType, readonly DataType[]>> = {
  DT_BFLOAT16: ['DT_FLOAT'],
  DT_BOOL: ['DT_UINT8', 'DT_INT32'],
  DT_INT8: ['DT_INT32'],
  DT_UINT8: ['DT_INT32'],
  DT_INT16: ['DT_INT32'],
  DT_UINT16: ['DT_INT32'],
  DT_UINT32: ['DT_INT64'],
};

/**
 * The type to compute `opType` in when its operands are `type`: `type` itself, a wider one that gives the same results, or undefined when
 * there is none.
 */
export function computeType(opType: string, type: DataType): DataType | undefined {
  const computed = COMPUTED_TYPES.get(opType);
  if (computed === undefined) return type;
  if (type === 'DT_HALF') return computed.includes('DT_FLOAT') ? type : undefined;
  if (computed.includes(type)) return type;
  return WIDER[type]?.find((wider) => computed.includes(wider));
}

function each(operators: readonly string[], types: readonly DataType[]): [string, readonly DataType[]][] {
  return operators.map((operator) => [operator, types]);
}
