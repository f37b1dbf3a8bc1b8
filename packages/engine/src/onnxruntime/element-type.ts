/** Element types that ONNX Runtime and the KServe v2 protocol share, under the protocol's names (`BYTES` is ONNX's string). */
export type ElementType =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES'
  | 'BF16';

interface ElementTypeInfo {
  /** `ONNXTensorElementDataType` of the C API. */
  readonly code: number;
  /** Bytes per element; 0 for BYTES. */
  readonly byteSize: number;
}

const ELEMENT_TYPES: Readonly<Record<ElementType, ElementTypeInfo>> = {
  FP32: { code: 1, byteSize: 4 },
  UINT8: { code: 2, byteSize: 1 },
  INT8: { code: 3, byteSize: 1 },
  UINT16: { code: 4, byteSize: 2 },
  INT16: { code: 5, byteSize: 2 },
  INT32: { code: 6, byteSize: 4 },
  INT64: { code: 7, byteSize: 8 },
  BYTES: { code: 8, byteSize: 0 },
  BOOL: { code: 9, byteSize: 1 },
  FP16: { code: 10, byteSize: 2 },
  FP64: { code: 11, byteSize: 8 },
  UINT32: { code: 12, byteSize: 4 },
  UINT64: { code: 13, byteSize: 8 },
  BF16: { code: 16, byteSize: 2 },
};

/** ONNX's names by `ONNXTensorElementDataType`, for messages about types the protocol does not have too. */
const ONNX_NAMES: readonly string[] = [
  'UNDEFINED',
  'FLOAT',
  'UINT8',
  'INT8',
  'UINT16',
  'INT16',
  'INT32',
  'INT64',
  'STRING',
  'BOOL',
  'FLOAT16',
  'DOUBLE',
  'UINT32',
  'UINT64',
  'COMPLEX64',
  'COMPLEX128',
  'BFLOAT16',
];

const BY_CODE: readonly (ElementType | undefined)[] = ONNX_NAMES.map((_, code) =>
  (Object.keys(ELEMENT_TYPES) as ElementType[]).find((type) => ELEMENT_TYPES[type].code === code),
);

/** The C API's number for `type`. */
export function elementTypeCode(type: ElementType): number {
  return ELEMENT_TYPES[type].code;
}

/** Bytes per element; 0 for BYTES, whose elements carry their own length. */
export function elementByteSize(type: ElementType): number {
  return ELEMENT_TYPES[type].byteSize;
}

/** The type with the C API's number `code`; undefined for types the protocol does not have (complex, float8, int4). */
export function elementTypeOf(code: number): ElementType | undefined {
  return BY_CODE[code];
}

/** ONNX's name of an element type (`FLOAT`), `UNDEFINED` for numbers without one. */
export function onnxElementName(code: number): string {
  return ONNX_NAMES[code] ?? 'UNDEFINED';
}
