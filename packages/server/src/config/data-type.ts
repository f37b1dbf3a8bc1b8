import type { DataType as ProtocolDataType } from '@nereid/protocol';
import { DataType, DataTypeSchema } from '@nereid/protocol/model-config';

/** `TYPE_FP32` -> `FP32`; undefined for TYPE_INVALID and for numbers the schema does not know. The protocol calls TYPE_STRING BYTES. */
export function toProtocolDataType(dataType: DataType): ProtocolDataType | undefined {
  if (dataType === DataType.TYPE_INVALID) return undefined;
  if (dataType === DataType.TYPE_STRING) return 'BYTES';
  return DataTypeSchema.value[dataType]?.name.slice('TYPE_'.length) as ProtocolDataType | undefined;
}

/** `FP32` -> `TYPE_FP32`. */
export function toConfigDataType(dataType: ProtocolDataType): DataType {
  return dataType === 'BYTES' ? DataType.TYPE_STRING : DataType[`TYPE_${dataType}`];
}

/** As messages print it: `TYPE_FP32`; the number for one the schema does not know. */
export function configDataTypeName(dataType: DataType): string {
  return DataTypeSchema.value[dataType]?.name ?? String(dataType);
}
