export { DATA_TYPES, type DataType, dataTypeByteSize, isDataType } from './data-type.ts';
export { type StatusCode, StatusError, statusCodeName } from './status.ts';
export type { Tensor } from './tensor.ts';
