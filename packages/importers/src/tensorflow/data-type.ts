import type { ElementType } from '@nereid/onnx';

/** TensorFlow's data types (`types.proto`), those a frozen graph can hold values of, and the two it cannot. */
export type DataType =
  | 'DT_FLOAT'
  | 'DT_DOUBLE'
  | 'DT_INT32'
  | 'DT_UINT8'
  | 'DT_INT16'
  | 'DT_INT8'
  | 'DT_STRING'
  | 'DT_COMPLEX64'
  | 'DT_INT64'
  | 'DT_BOOL'
  | 'DT_QINT8'
  | 'DT_QUINT8'
  | 'DT_QINT32'
  | 'DT_BFLOAT16'
  | 'DT_QINT16'
  | 'DT_QUINT16'
  | 'DT_UINT16'
  | 'DT_COMPLEX128'
  | 'DT_HALF'
  | 'DT_RESOURCE'
  | 'DT_VARIANT'
  | 'DT_UINT32'
  | 'DT_UINT64';

interface DataTypeFacts {
  readonly code: number;
  readonly byteSize: number;
  readonly element: ElementType | undefined;
}

const FACTS: Readonly<Record<DataType, DataTypeFacts>> = {
  DT_FLOAT: { code: 1, byteSize: 4, element: 'float' },
  DT_DOUBLE: { code: 2, byteSize: 8, element: 'double' },
  DT_INT32: { code: 3, byteSize: 4, element: 'int32' },
  DT_UINT8: { code: 4, byteSize: 1, element: 'uint8' },
  DT_INT16: { code: 5, byteSize: 2, element: 'int16' },
  DT_INT8: { code: 6, byteSize: 1, element: 'int8' },
  DT_STRING: { code: 7, byteSize: 0, element: 'string' },
  DT_COMPLEX64: { code: 8, byteSize: 8, element: 'complex64' },
  DT_INT64: { code: 9, byteSize: 8, element: 'int64' },
  DT_BOOL: { code: 10, byteSize: 1, element: 'bool' },
  DT_QINT8: { code: 11, byteSize: 1, element: undefined },
  DT_QUINT8: { code: 12, byteSize: 1, element: undefined },
  DT_QINT32: { code: 13, byteSize: 4, element: undefined },
  DT_BFLOAT16: { code: 14, byteSize: 2, element: 'bfloat16' },
  DT_QINT16: { code: 15, byteSize: 2, element: undefined },
  DT_QUINT16: { code: 16, byteSize: 2, element: undefined },
  DT_UINT16: { code: 17, byteSize: 2, element: 'uint16' },
  DT_COMPLEX128: { code: 18, byteSize: 16, element: 'complex128' },
  DT_HALF: { code: 19, byteSize: 2, element: 'float16' },
  DT_RESOURCE: { code: 20, byteSize: 0, element: undefined },
  DT_VARIANT: { code: 21, byteSize: 0, element: undefined },
  DT_UINT32: { code: 22, byteSize: 4, element: 'uint32' },
  DT_UINT64: { code: 23, byteSize: 8, element: 'uint64' },
};

export const DATA_TYPES = Object.keys(FACTS) as readonly DataType[];

const BY_CODE: ReadonlyMap<number, DataType> = new Map(DATA_TYPES.map((type) => [FACTS[type].code, type]));
const BY_ELEMENT: ReadonlyMap<ElementType, DataType> = new Map(
  DATA_TYPES.flatMap((type) => {
    const element = FACTS[type].element;
    return element === undefined ? [] : [[element, type] as const];
  }),
);

/** Reference types (`DT_FLOAT_REF`) are the value types plus this. */
const REFERENCE_OFFSET = 100;

export function dataTypeCode(type: DataType): number {
  return FACTS[type].code;
}

/** The type of a number in a file, reference types as their value types; undefined for a number that names none. */
export function dataTypeOf(code: number): DataType | undefined {
  return BY_CODE.get(code > REFERENCE_OFFSET ? code - REFERENCE_OFFSET : code);
}

/** Bytes per element; 0 for strings, resources and variants. */
export function dataTypeByteSize(type: DataType): number {
  return FACTS[type].byteSize;
}

/** The same type in ONNX; undefined for quantised types, resources and variants. */
export function elementTypeFor(type: DataType): ElementType | undefined {
  return FACTS[type].element;
}

/** The same type in TensorFlow; undefined for what TensorFlow does not have. */
export function dataTypeFor(element: ElementType): DataType | undefined {
  return BY_ELEMENT.get(element);
}
