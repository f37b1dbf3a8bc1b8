export { WireError } from './wire-error.ts';
export {
  WIRE_BYTES,
  WIRE_FIXED32,
  WIRE_FIXED64,
  WIRE_VARINT,
  WireReader,
} from './wire-reader.ts';
export { concatenate, WireWriter } from './wire-writer.ts';
