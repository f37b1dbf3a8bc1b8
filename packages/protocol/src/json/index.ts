export { ByteWriter } from './byte-writer.ts';
export { JsonCursor } from './json-cursor.ts';
export { JsonReader } from './json-reader.ts';
export {
  cString,
  isJsonInt64,
  JsonDouble,
  JsonLongText,
  JsonObject,
  JsonTensorData,
  type JsonValue,
  jsonArray,
  jsonBoolean,
  jsonMember,
  jsonObject,
  jsonRequiredMember,
  jsonString,
  jsonUnsigned,
} from './json-value.ts';
export { StringTable } from './string-table.ts';
export { TensorDataReader } from './tensor-data-reader.ts';
export { TensorJsonWriter } from './tensor-json-writer.ts';
export { TensorMemory } from './tensor-memory.ts';
