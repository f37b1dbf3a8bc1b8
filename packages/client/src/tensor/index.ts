export { bfloat16FromBits, bfloat16ToBits, float16FromBits, float16ToBits } from './half.ts';
export type {
  BytesInput,
  DataInput,
  InferInput,
  InputDataByType,
  SharedMemoryInput,
  SharedMemoryRange,
} from './input.ts';
export { countElements, inputContents } from './input-contents.ts';
export { type ClassScore, type OutputData, OutputTensor } from './output-tensor.ts';
