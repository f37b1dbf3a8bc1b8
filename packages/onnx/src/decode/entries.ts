import { WIRE_VARINT, type WireReader } from '../wire/index.ts';

/** StringStringEntryProto, added to `map`. */
export function readStringMapEntry(reader: WireReader, map: Map<string, string>): void {
  let key = '';
  let value = '';
  while (reader.tag()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  map.set(key, value);
}

/** OperatorSetIdProto, added to `imports`. `ai.onnx` and '' are the same set. */
export function readOpsetImport(reader: WireReader, imports: Map<string, number>): void {
  let domain = '';
  let version = 0;
  while (reader.tag()) {
    if (reader.field === 1) domain = reader.string();
    else if (reader.field === 2) {
      reader.expect(WIRE_VARINT);
      version = reader.int64();
    } else reader.skip();
  }
  imports.set(domain === 'ai.onnx' ? '' : domain, version);
}
