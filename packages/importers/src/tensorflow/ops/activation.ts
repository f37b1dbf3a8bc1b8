import { type Attribute, float, int } from '@nereid/onnx';
import type { OpContext } from '../op-context.ts';
import type { TfOp } from '../tf-op.ts';
import type { Value } from '../value.ts';
import { broadcastShape, unary } from './common.ts';

/** Activations by the name they have in `fused_ops` too; each keeps the shape. */
export function activated(op: OpContext, name: string, x: Value): Value {
  const facts = { dataType: x.dataType, shape: x.shape };
  switch (name) {
    case 'Relu':
    case 'Sigmoid':
    case 'Tanh':
    case 'Softplus':
    case 'Softsign':
      return unary(op, name, x);
    case 'Relu6':
      return op.emit('Clip', [x, op.scalar(x.dataType, 0), op.scalar(x.dataType, 6)], facts);
    case 'Elu':
      return op.emit('Elu', [x], facts, { alpha: float(1) });
    case 'Selu':
      return op.emit('Selu', [x], facts, SELU_CONSTANTS);
    case 'LeakyRelu': {
      const alpha = op.attributes.has('leakyrelu_alpha')
        ? op.attributes.float('leakyrelu_alpha')
        : op.attributes.float('alpha', 0.2);
      return op.emit('LeakyRelu', [x], facts, { alpha: float(alpha) });
    }
    default:
      return op.unsupported(`activation ${name}`);
  }
}

const SELU_CONSTANTS: Readonly<Record<string, Attribute>> = {
  alpha: float(1.6732632423543772),
  gamma: float(1.0507009873554805),
};

/** max(x, 0) + slope * min(x, 0), the slope broadcasting to x. */
export function prelu(op: OpContext, x: Value, slope: Value): Value {
  const shape = broadcastShape(op, x.shape, slope.shape);
  return op.emit('PRelu', [x, slope], { dataType: x.dataType, shape });
}

function activation(name: string, target: string, attributes = ''): TfOp {
  return {
    op: name,
    source: `${name}(features (…)${attributes}) -> (…)`,
    target,
    convert: (op) => activated(op, name, op.input(0)),
  };
}

function softmax(name: 'Softmax' | 'LogSoftmax'): TfOp {
  return {
    op: name,
    source: `${name}(logits (…, C)) -> (…, C), over the last axis`,
    target: `${name}(input; axis = -1)`,
    convert: (op) => {
      const x = op.input(0);
      if (x.shape?.length === 0) op.invalid('logits must have at least one axis');
      return op.emit(name, [x], { dataType: x.dataType, shape: x.shape }, { axis: int(-1) });
    },
  };
}

export const ACTIVATION_OPS: readonly TfOp[] = [
  activation('Relu', 'Relu(X)'),
  activation('Relu6', 'Clip(input, 0, 6)'),
  activation('Elu', 'Elu(X; alpha = 1)'),
  activation('Selu', 'Selu(X; alpha, gamma)'),
  activation('LeakyRelu', 'LeakyRelu(X; alpha)', '; alpha = 0.2'),
  activation('Sigmoid', 'Sigmoid(X)'),
  activation('Tanh', 'Tanh(input)'),
  activation('Softplus', 'Softplus(X)'),
  activation('Softsign', 'Softsign(input)'),
  {
    op: 'Prelu',
    source: 'Prelu(x (N, …, C), alpha (C) or (…, C)) -> (N, …, C), as TensorFlow.js writes it',
    target: 'PRelu(X, slope)',
    convert: (op) => prelu(op, op.input(0), op.input(1)),
  },
  softmax('Softmax'),
  softmax('LogSoftmax'),
];
