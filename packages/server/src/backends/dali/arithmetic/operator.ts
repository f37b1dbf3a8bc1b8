import type { ElementType } from '../format/index.ts';
import type { OpArguments, OperatorDefinition } from '../pipeline/index.ts';
import { evaluate, type Operand } from './evaluate.ts';
import { type Expression, parseExpression } from './expression.ts';
import { ARITHMETIC_FUNCTIONS } from './functions.ts';
import { isBig, isFloat } from './types.ts';

/** Python's arithmetic on tensors, `dali.math` and comparisons; broadcasting as numpy does, sums wrap. */
export const arithmetic: OperatorDefinition = {
  names: ['ArithmeticGenericOp'],
  inputs: [0, 64],
  compile(args) {
    const expression = readExpression(args);
    const integers = args.bigints('integer_constants') ?? [];
    const reals = args.floats('real_constants') ?? [];
    checkExpression(args, expression, integers.length, reals.length);
    const constant = (index: number, type: ElementType): Operand => {
      const value = isFloat(type) ? Math.fround(reals[index]!) : integers[index]!;
      return {
        type,
        shape: [],
        layout: '',
        values: isBig(type) ? BigInt64Array.of(BigInt(value)) : Float64Array.of(Number(value)),
      };
    };
    return {
      scope: 'sample',
      inferTypes: (inputs) => [typeOf(expression, inputs)],
      run: (context, inputs) => {
        const result = evaluate(expression, inputs, constant);
        const output = context.allocate(result.type, result.shape, result.layout);
        (output.elements() as Uint8Array).set(result.values as Uint8Array);
        return [output];
      },
    };
  },
};

function readExpression(args: OpArguments): Expression {
  try {
    return parseExpression(args.string('expression_desc', ''));
  } catch (error) {
    throw error instanceof Error && error.name === 'ExpressionError' ? args.fail(error.message) : error;
  }
}

function checkExpression(args: OpArguments, expression: Expression, integers: number, reals: number): void {
  if (expression.kind === 'input') {
    if (expression.index >= args.regularInputCount)
      throw args.fail(`the expression uses input &${expression.index} of ${args.regularInputCount}`);
    return;
  }
  if (expression.kind === 'constant') {
    if (expression.index >= (isFloat(expression.type) ? reals : integers))
      throw args.fail(`the expression uses constant $${expression.index}, which is not given`);
    return;
  }
  const definition = ARITHMETIC_FUNCTIONS.get(expression.name);
  if (definition === undefined) throw args.fail(`the function "${expression.name}" is not supported`);
  if (definition.arity !== expression.operands.length) {
    throw args.fail(
      `the function "${expression.name}" takes ${definition.arity} operands, not ${expression.operands.length}`,
    );
  }
  for (const operand of expression.operands) checkExpression(args, operand, integers, reals);
}

function typeOf(expression: Expression, inputs: readonly (ElementType | undefined)[]): ElementType | undefined {
  if (expression.kind === 'input') return inputs[expression.index];
  if (expression.kind === 'constant') return expression.type;
  const operands = expression.operands.map((operand) => typeOf(operand, inputs));
  const known = operands.filter((type) => type !== undefined);
  return known.length === operands.length ? ARITHMETIC_FUNCTIONS.get(expression.name)!.resultType(known) : undefined;
}
