/** KServe v2 data type names with Triton's BF16; `BYTES` is what a model configuration calls `TYPE_STRING`. */
export type DataType =
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

/** Bytes per element; 0 for BYTES, whose elements carry their own length. */
const BYTE_SIZES: Readonly<Record<DataType, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
  BF16: 2,
};

export const DATA_TYPES = Object.keys(BYTE_SIZES) as readonly DataType[];

/** Bytes per element of `dataType`; 0 for BYTES. */
export function dataTypeByteSize(dataType: DataType): number {
  return BYTE_SIZES[dataType];
}

/** True when `name` is a protocol data type name (`FP32`, not `TYPE_FP32`). */
export function isDataType(name: string): name is DataType {
  return Object.hasOwn(BYTE_SIZES, name);
}
