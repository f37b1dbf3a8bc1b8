import type { Attribute, ConstantTensor, Graph } from '../model.ts';

const utf8 = new TextEncoder();

/** Attribute values by kind: ONNX tells `1` the integer from `1` the float, JavaScript does not. */
export function float(value: number): Attribute {
  return { kind: 'float', value };
}

export function int(value: number): Attribute {
  return { kind: 'int', value: BigInt(value) };
}

export function string(value: string): Attribute {
  return { kind: 'string', value: utf8.encode(value) };
}

export function floats(value: readonly number[]): Attribute {
  return { kind: 'floats', value };
}

export function ints(value: readonly number[]): Attribute {
  return { kind: 'ints', value: value.map(BigInt) };
}

export function tensor(value: ConstantTensor): Attribute {
  return { kind: 'tensor', value };
}

export function graph(value: Graph): Attribute {
  return { kind: 'graph', value };
}
