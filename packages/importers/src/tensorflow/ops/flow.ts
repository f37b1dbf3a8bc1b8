import { foldReshape } from '../fold.ts';
import type { OpContext } from '../op-context.ts';
import { aliases, type TfOp } from '../tf-op.ts';
import { constantOf, constantValue, deadValue, type Value } from '../value.ts';

/** The branch that a constant predicate chooses gets the value, the other nothing. */
function switchOp(op: OpContext): readonly Value[] {
  const value = op.input(0);
  const taken = op.constantScalar(1, 'the predicate') !== 0;
  const dead = deadValue(value.dataType);
  return taken ? [dead, value] : [value, dead];
}

/** The one input that a value arrives on. */
function merge(op: OpContext): readonly Value[] {
  const index = op.inputs.findIndex((value) => !value.dead);
  const value = op.inputs[index];
  if (value === undefined) return [deadValue(op.input(0).dataType), deadValue('DT_INT32')];
  return [value, constantOf('DT_INT32', [], [index])];
}

export const FLOW_OPS: readonly TfOp[] = [
  {
    op: 'Const',
    source: 'Const(; value) -> (…)',
    target: 'an initializer',
    limits: 'Quantised types, resources and variants.',
    convert: (op) => constantValue(op.attributes.tensor('value')),
  },
  ...aliases(
    [
      'Identity',
      'StopGradient',
      'PreventGradient',
      'Snapshot',
      'CheckNumerics',
      'DebugGradientIdentity',
      'PlaceholderWithDefault',
    ],
    {
      source: 'Identity(input (…)) -> (…)',
      target: 'nothing (an Identity where the value is an output)',
      convert: (op) => op.input(0),
      fold: foldReshape,
    },
  ),
  {
    op: 'IdentityN',
    source: 'IdentityN(input (…)…) -> (…)…',
    target: 'nothing',
    convert: (op) => op.inputs,
  },
  {
    op: 'Switch',
    source: 'Switch(data (…), pred []) -> output_false (…), output_true (…)',
    target: 'nothing: the branch not taken is left out',
    limits: 'A predicate that is not constant.',
    convert: switchOp,
  },
  {
    op: 'Merge',
    source: 'Merge(inputs (…)…) -> output (…), value_index []',
    target: 'nothing',
    convert: merge,
  },
];
