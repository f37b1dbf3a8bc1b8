import type { DataType } from '@nereid/protocol';

/** DALIDataType as files number it (`dali/core/dali_data_type.h`). */
export const DALI_TYPES = {
  NO_TYPE: -1,
  UINT8: 0,
  UINT16: 1,
  UINT32: 2,
  UINT64: 3,
  INT8: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  FLOAT16: 8,
  FLOAT: 9,
  FLOAT64: 10,
  BOOL: 11,
} as const;

/** Element types that a sample may have. */
export type ElementType = Exclude<keyof typeof DALI_TYPES, 'NO_TYPE'>;

const ELEMENT_TYPES = Object.keys(DALI_TYPES).filter((name): name is ElementType => name !== 'NO_TYPE');

const BYTE_SIZES: Readonly<Record<ElementType, number>> = {
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FLOAT16: 2,
  FLOAT: 4,
  FLOAT64: 8,
  BOOL: 1,
};

const PROTOCOL_TYPES: Readonly<Record<ElementType, DataType>> = {
  UINT8: 'UINT8',
  UINT16: 'UINT16',
  UINT32: 'UINT32',
  UINT64: 'UINT64',
  INT8: 'INT8',
  INT16: 'INT16',
  INT32: 'INT32',
  INT64: 'INT64',
  FLOAT16: 'FP16',
  FLOAT: 'FP32',
  FLOAT64: 'FP64',
  BOOL: 'BOOL',
};

/** The element type a file's number stands for; undefined for NO_TYPE, strings and images (which samples cannot hold). */
export function elementTypeOf(daliType: number): ElementType | undefined {
  return ELEMENT_TYPES.find((name) => DALI_TYPES[name] === daliType);
}

export function elementByteSize(type: ElementType): number {
  return BYTE_SIZES[type];
}

/** The protocol's name of an element type: FLOAT16 is FP16, FLOAT is FP32, FLOAT64 is FP64. */
export function protocolType(type: ElementType): DataType {
  return PROTOCOL_TYPES[type];
}

/** The element type of a protocol tensor; undefined for BYTES and BF16, which DALI does not have. */
export function elementTypeOfProtocol(dataType: DataType): ElementType | undefined {
  return ELEMENT_TYPES.find((name) => PROTOCOL_TYPES[name] === dataType);
}
