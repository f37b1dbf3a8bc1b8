import { constantElements, numericConstant } from '@nereid/onnx';
import { type DataType, elementTypeFor } from '../data-type.ts';
import type { TensorConstant } from '../graph-def.ts';

/** A tensor as tests write it. Booleans are 0 and 1; 64-bit integers are numbers. */
export interface TestTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export function tensor(type: DataType, shape: readonly number[], values: readonly number[]): TestTensor {
  return { type, shape, values };
}

export function floats(shape: readonly number[], values: readonly number[]): TestTensor {
  return tensor('DT_FLOAT', shape, values);
}

export function ints(shape: readonly number[], values: readonly number[]): TestTensor {
  return tensor('DT_INT32', shape, values);
}

export function bools(shape: readonly number[], values: readonly number[]): TestTensor {
  return tensor('DT_BOOL', shape, values);
}

/** Floats between -2 and 2 that look random and are always the same. */
export function ramp(shape: readonly number[], seed = 1): TestTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return floats(
    shape,
    Array.from({ length: count }, (_, index) => Math.fround(Math.sin((index + 1) * 12.9898 * seed) * 2)),
  );
}

/** The same between 0.5 and 2.5, for logarithms and variances. */
export function positive(shape: readonly number[], seed = 1): TestTensor {
  return floats(
    shape,
    ramp(shape, seed).values.map((value) => Math.fround(Math.abs(value) + 0.5)),
  );
}

/** Elements as raw bytes. */
export function bytesOf(value: TestTensor): Uint8Array {
  const elementType = elementTypeFor(value.type);
  if (elementType === undefined) throw new Error(`${value.type} cannot be written`);
  const integral = value.type.includes('INT');
  const values = value.values.map((element) => (integral ? Math.trunc(element) : element));
  const { content } = numericConstant('', elementType, value.shape, values);
  return content.kind === 'raw' ? content.bytes : new Uint8Array(0);
}

/** Raw bytes as elements. */
export function valuesOf(type: DataType, bytes: Uint8Array): number[] {
  const elementType = elementTypeFor(type);
  if (elementType === undefined) throw new Error(`${type} cannot be read`);
  return constantElements({ name: '', elementType, dims: [], content: { kind: 'raw', bytes } }).map(Number);
}

export function constantOf(value: TestTensor): TensorConstant {
  return { dataType: value.type, dims: value.shape, content: { kind: 'raw', bytes: bytesOf(value) } };
}
