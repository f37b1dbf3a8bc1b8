import { elementCount, OnnxError } from '@nereid/onnx';
import { WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '@nereid/onnx/wire';
import { ImportError } from '../shared/index.ts';
import { type DataType, dataTypeByteSize, dataTypeOf } from './data-type.ts';
import type { Shape, TensorConstant } from './graph-def.ts';
import type { ReadBudget } from './limits.ts';

const EMPTY = new Uint8Array(0);
/** TensorFlow's own limit (`TensorShape::MaxDimensions`). */
const MAX_RANK = 254;

/** TensorProto (tensor.proto). Elements in `tensor_content` are a view of the file. */
export function readTensor(reader: WireReader, budget: ReadBudget): TensorConstant {
  let code = 0;
  let shape: Shape = [];
  let content: Uint8Array = EMPTY;
  const values: number[] = [];
  const bigints: bigint[] = [];
  const strings: Uint8Array[] = [];
  // Packed float_val and double_val are the elements' own bytes, so they need no decoding.
  const packed: Uint8Array[] = [];
  while (reader.tag()) {
    const field = reader.field;
    if (field === 1) code = reader.int32();
    else if (field === 2) shape = readShape(reader.message(), budget);
    else if (field === 4) content = reader.bytes();
    else if (field === 5 || field === 9) readFixed(reader, WIRE_FIXED32, packed, values);
    else if (field === 6 || field === 12) readFixed(reader, WIRE_FIXED64, packed, values);
    else if (field === 8) {
      budget.countObject();
      strings.push(reader.bytes());
    } else if (field === 7 || field === 11 || field === 13 || field === 16) {
      reader.repeated(WIRE_VARINT, (source) => values.push(source.int32()));
    } else if (field === 10 || field === 17) {
      reader.repeated(WIRE_VARINT, (source) => {
        budget.countObject();
        bigints.push(source.int64Big());
      });
    } else reader.skip();
  }
  const dataType = dataTypeOf(code);
  if (dataType === undefined) throw new ImportError('malformed', `a tensor has the unknown data type ${code}`);
  const dims = requireDims(shape);
  if (dataType === 'DT_STRING')
    return { dataType, dims, content: { kind: 'strings', values: fillStrings(strings, dims, budget) } };
  const stored = content.length > 0 ? content : storedBytes(dataType, packed, values, bigints);
  return { dataType, dims, content: { kind: 'raw', bytes: fill(stored, dataType, dims, content.length > 0, budget) } };
}

/** TensorShapeProto (tensor_shape.proto): undefined for an unknown rank, -1 for an unknown dimension. */
export function readShape(reader: WireReader, budget: ReadBudget): Shape {
  const dims: number[] = [];
  let unknownRank = false;
  while (reader.tag()) {
    if (reader.field === 2) {
      budget.countObject();
      dims.push(readDimension(reader.message()));
      if (dims.length > MAX_RANK) throw new ImportError('malformed', `a shape has more than ${MAX_RANK} dimensions`);
    } else if (reader.field === 3) unknownRank = reader.bool();
    else reader.skip();
  }
  return unknownRank ? undefined : dims;
}

function readDimension(reader: WireReader): number {
  let size = 0;
  while (reader.tag()) {
    if (reader.field === 1) size = reader.int64();
    else reader.skip();
  }
  if (size < -1) throw new ImportError('malformed', `a shape has the dimension ${size}`);
  return size;
}

function readFixed(
  reader: WireReader,
  wireType: typeof WIRE_FIXED32 | typeof WIRE_FIXED64,
  packed: Uint8Array[],
  values: number[],
): void {
  if (reader.wireType !== wireType) {
    packed.push(reader.bytes());
    return;
  }
  values.push(wireType === WIRE_FIXED32 ? reader.float() : reader.double());
}

function requireDims(shape: Shape): readonly number[] {
  if (shape === undefined || shape.includes(-1)) {
    throw new ImportError('malformed', `a tensor has the shape ${shape === undefined ? '<unknown>' : `[${shape}]`}`);
  }
  return shape;
}

/** The `*_val` fields as bytes: as many elements as the file has, which may be fewer than the shape says. */
function storedBytes(type: DataType, packed: Uint8Array[], values: number[], bigints: bigint[]): Uint8Array {
  if (packed.length === 1 && values.length === 0) return packed[0] as Uint8Array;
  const fromValues = packed.length === 0 ? bytesOf(typedArray(type, values, bigints)) : EMPTY;
  return packed.length === 0 ? fromValues : Buffer.concat([...packed, bytesOf(typedArray(type, values, bigints))]);
}

function typedArray(type: DataType, values: number[], bigints: bigint[]): ArrayBufferView {
  switch (type) {
    case 'DT_FLOAT':
    case 'DT_COMPLEX64':
      return new Float32Array(values);
    case 'DT_DOUBLE':
    case 'DT_COMPLEX128':
      return new Float64Array(values);
    case 'DT_INT64':
    case 'DT_UINT64':
      return new BigInt64Array(bigints);
    default:
      break;
  }
  // half_val holds the bits of DT_HALF and of DT_BFLOAT16.
  const byteSize = dataTypeByteSize(type);
  if (byteSize === 4) return new Int32Array(values);
  return byteSize === 2 ? new Uint16Array(values) : new Uint8Array(values);
}

/** As many bytes as the shape needs: missing elements repeat the last one there is, or are zero when there is none. */
function fill(
  stored: Uint8Array,
  type: DataType,
  dims: readonly number[],
  exact: boolean,
  budget: ReadBudget,
): Uint8Array {
  const byteSize = dataTypeByteSize(type);
  const needed = count(dims) * byteSize;
  if (stored.length === needed) return stored;
  if (exact || stored.length > needed || byteSize === 0 || stored.length % byteSize !== 0) {
    throw new ImportError('malformed', `a tensor ${type} [${dims}] has ${stored.length} bytes, expected ${needed}`);
  }
  budget.expand(needed);
  const filled = new Uint8Array(needed);
  filled.set(stored);
  for (let at = stored.length; stored.length > 0 && at < needed; ) {
    // Doubles the filled part: every element after the stored ones equals the last stored one.
    const from = stored.length - byteSize;
    const length = Math.min(at - from, needed - at);
    filled.copyWithin(at, from, from + length);
    at += length;
  }
  return filled;
}

function fillStrings(
  stored: readonly Uint8Array[],
  dims: readonly number[],
  budget: ReadBudget,
): readonly Uint8Array[] {
  const needed = count(dims);
  if (stored.length === needed) return stored;
  if (stored.length > needed) {
    throw new ImportError('malformed', `a tensor DT_STRING [${dims}] has ${stored.length} strings, expected ${needed}`);
  }
  // A reference per element.
  budget.expand(needed * 8);
  const last = stored.at(-1) ?? EMPTY;
  return [...stored, ...new Array<Uint8Array>(needed - stored.length).fill(last)];
}

function count(dims: readonly number[]): number {
  try {
    return elementCount(dims);
  } catch (error) {
    if (!(error instanceof OnnxError)) throw error;
    throw new ImportError('malformed', `a tensor has an impossible shape: ${error.message}`, { cause: error });
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
