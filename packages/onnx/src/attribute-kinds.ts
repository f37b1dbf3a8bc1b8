import type { AttributeKind } from './model.ts';

/** `AttributeProto.AttributeType`, by number. */
export const ATTRIBUTE_KINDS: readonly (AttributeKind | undefined)[] = [
  undefined,
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse-tensor',
  'sparse-tensors',
  'type',
  'types',
];
