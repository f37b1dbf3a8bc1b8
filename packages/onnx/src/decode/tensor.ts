import { type ElementType, elementTypeOf } from '../element-type.ts';
import type { ReadBudget } from '../limits.ts';
import type { ConstantTensor, SparseConstantTensor, TensorContent } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';
import { WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../wire/index.ts';
import { readStringMapEntry } from './entries.ts';

/** The `*_data` fields: each value in the width its field has, narrowed to the element type afterwards. */
interface TypedData {
  readonly floats: number[];
  readonly int32s: number[];
  readonly int64s: bigint[];
  readonly doubles: number[];
  readonly uint64s: bigint[];
  readonly strings: Uint8Array[];
}

/** TensorProto. Whatever field holds the elements, the result has them as raw little-endian bytes, as strings, or as an external reference. */
export function readTensor(reader: WireReader, budget: ReadBudget): ConstantTensor {
  budget.countObject();
  const dims: number[] = [];
  const typed: TypedData = { floats: [], int32s: [], int64s: [], doubles: [], uint64s: [], strings: [] };
  const external = new Map<string, string>();
  let name = '';
  let code = 0;
  let raw: Uint8Array | undefined;
  let isExternal = false;
  while (reader.tag()) {
    if (reader.field === 1) reader.repeated(WIRE_VARINT, (source) => dims.push(source.int64()));
    else if (reader.field === 2) code = reader.int32();
    else if (reader.field === 8) name = reader.string();
    else if (reader.field === 9) raw = reader.bytes();
    else if (reader.field === 13) readStringMapEntry(reader.message(), external);
    else if (reader.field === 14) isExternal = reader.int32() === 1;
    else if (reader.field === 3)
      throw new OnnxError('invalid', `tensor '${name}': segmented tensors are not supported`);
    else if (!readTypedData(reader, budget, typed)) reader.skip();
  }
  const elementType = elementTypeOf(code);
  if (elementType === undefined) throw new OnnxError('invalid', `tensor '${name}': unknown data type ${code}`);
  const content: TensorContent = isExternal
    ? { kind: 'external', entries: external }
    : contentOf(elementType, raw, typed);
  return { name, elementType, dims, content };
}

/** SparseTensorProto. */
export function readSparseTensor(reader: WireReader, budget: ReadBudget): SparseConstantTensor {
  const dims: number[] = [];
  let values: ConstantTensor | undefined;
  let indices: ConstantTensor | undefined;
  while (reader.tag()) {
    if (reader.field === 1) values = readTensor(reader.message(), budget);
    else if (reader.field === 2) indices = readTensor(reader.message(), budget);
    else if (reader.field === 3) reader.repeated(WIRE_VARINT, (source) => dims.push(source.int64()));
    else reader.skip();
  }
  if (values === undefined || indices === undefined) {
    throw new OnnxError('invalid', `sparse tensor '${values?.name ?? ''}' without values or indices`);
  }
  return { values, indices, dims };
}

function readTypedData(reader: WireReader, budget: ReadBudget, typed: TypedData): boolean {
  const counted = (values: bigint[], value: bigint): void => {
    // A byte in the file becomes a bigint of two dozen: large tensors come as raw data.
    budget.countObject();
    values.push(value);
  };
  if (reader.field === 4) reader.repeated(WIRE_FIXED32, (source) => typed.floats.push(source.float()));
  else if (reader.field === 5) reader.repeated(WIRE_VARINT, (source) => typed.int32s.push(source.int32()));
  else if (reader.field === 6) typed.strings.push(reader.bytes());
  else if (reader.field === 7) reader.repeated(WIRE_VARINT, (source) => counted(typed.int64s, source.int64Big()));
  else if (reader.field === 10) reader.repeated(WIRE_FIXED64, (source) => typed.doubles.push(source.double()));
  else if (reader.field === 11) reader.repeated(WIRE_VARINT, (source) => counted(typed.uint64s, source.uint64Big()));
  else return false;
  return true;
}

function contentOf(elementType: ElementType, raw: Uint8Array | undefined, typed: TypedData): TensorContent {
  if (elementType === 'string') return { kind: 'strings', values: typed.strings };
  return { kind: 'raw', bytes: raw ?? rawOf(elementType, typed) };
}

/** Typed fields as raw bytes. Which field holds which type: the comments of TensorProto. */
function rawOf(elementType: ElementType, typed: TypedData): Uint8Array {
  switch (elementType) {
    case 'float':
    case 'complex64':
      return bytesOf(new Float32Array(typed.floats));
    case 'double':
    case 'complex128':
      return bytesOf(new Float64Array(typed.doubles));
    case 'int64':
      return bytesOf(new BigInt64Array(typed.int64s));
    case 'uint64':
      return bytesOf(new BigUint64Array(typed.uint64s));
    case 'uint32':
      return bytesOf(Uint32Array.from(typed.uint64s, Number));
    case 'int32':
      return bytesOf(new Int32Array(typed.int32s));
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(new Uint16Array(typed.int32s));
    default:
      return new Uint8Array(typed.int32s);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
