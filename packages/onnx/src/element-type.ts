/**
 * Element types of ONNX tensors (`TensorProto.DataType`), in lower case.
 * Numbers are those of onnx.proto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export type ElementType =
  | 'float'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'double'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2';

interface ElementTypeFacts {
  readonly code: number;
  /** Bits per element; 0 for strings. Below 8, elements are packed, the first in the low bits. */
  readonly bits: number;
}

const FACTS: Readonly<Record<ElementType, ElementTypeFacts>> = {
  float: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  string: { code: 8, bits: 0 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  double: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16 },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
  float8e8m0: { code: 24, bits: 8 },
  uint2: { code: 25, bits: 2 },
  int2: { code: 26, bits: 2 },
};

export const ELEMENT_TYPES = Object.keys(FACTS) as readonly ElementType[];

const BY_CODE: ReadonlyMap<number, ElementType> = new Map(ELEMENT_TYPES.map((type) => [FACTS[type].code, type]));

/** The number onnx.proto gives `type`. */
export function elementTypeCode(type: ElementType): number {
  return FACTS[type].code;
}

/** Inverse of `elementTypeCode`; undefined for a number that names no type (0 is "undefined" in ONNX too). */
export function elementTypeOf(code: number): ElementType | undefined {
  return BY_CODE.get(code);
}

/** Bits per element; 0 for strings. */
export function elementBits(type: ElementType): number {
  return FACTS[type].bits;
}

/** Bytes that `count` elements take as raw data; not defined for strings (0). */
export function rawByteLength(type: ElementType, count: number): number {
  return Math.ceil((FACTS[type].bits * count) / 8);
}
