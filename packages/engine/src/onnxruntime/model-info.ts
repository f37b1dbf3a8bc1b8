import type { OrtApi, Pointer } from './api.ts';
import { type ElementType, elementTypeOf, onnxElementName } from './element-type.ts';

/** `ONNXType` of the C API: what an input or output is. */
export type ValueKind = 'unknown' | 'tensor' | 'sequence' | 'map' | 'opaque' | 'sparse_tensor' | 'optional';

const VALUE_KINDS: readonly ValueKind[] = [
  'unknown',
  'tensor',
  'sequence',
  'map',
  'opaque',
  'sparse_tensor',
  'optional',
];

/** An input, output or overridable initialiser of a model. */
export interface ValueInfo {
  readonly name: string;
  readonly kind: ValueKind;
  /** Undefined for what is not a tensor and for element types the protocol does not have. */
  readonly dataType: ElementType | undefined;
  /** ONNX's name of the element type (`FLOAT`), for messages. */
  readonly onnxElementType: string;
  /** -1 where the model leaves a dimension open. Empty for a scalar. */
  readonly dims: readonly number[];
  /** Name of each dimension (`batch`), '' where it has none. As long as `dims`. */
  readonly symbolicDims: readonly string[];
}

export interface ModelInfo {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Initialisers that a run may override by an input of the same name (ONNX IR before 4 lists them among the inputs). */
  readonly overridableInitializers: readonly ValueInfo[];
}

type Getter = (session: Pointer, index: number, out: BigUint64Array) => Pointer;
type NameGetter = (session: Pointer, index: number, allocator: Pointer, out: BigUint64Array) => Pointer;
type Counter = (session: Pointer, out: BigUint64Array) => Pointer;

/** Reads names, types and shapes of a session's inputs and outputs. Throws OnnxRuntimeError. */
export function readModelInfo(api: OrtApi, session: Pointer, allocator: Pointer): ModelInfo {
  const f = api.functions;
  const read = (count: Counter, name: NameGetter, type: Getter): ValueInfo[] =>
    Array.from({ length: api.read((out) => count(session, out)) }, (_, index) => {
      const typeInfo = api.read((out) => type(session, index, out));
      try {
        return readValueInfo(
          api,
          readName(api, allocator, (out) => name(session, index, allocator, out)),
          typeInfo,
        );
      } finally {
        f.ReleaseTypeInfo(typeInfo);
      }
    });
  return {
    inputs: read(f.SessionGetInputCount, f.SessionGetInputName, f.SessionGetInputTypeInfo),
    outputs: read(f.SessionGetOutputCount, f.SessionGetOutputName, f.SessionGetOutputTypeInfo),
    overridableInitializers: read(
      f.SessionGetOverridableInitializerCount,
      f.SessionGetOverridableInitializerName,
      f.SessionGetOverridableInitializerTypeInfo,
    ),
  };
}

function readName(api: OrtApi, allocator: Pointer, call: (out: BigUint64Array) => Pointer): string {
  const address = api.read(call);
  const name = api.text(address);
  api.check(api.functions.AllocatorFree(allocator, address));
  return name;
}

function readValueInfo(api: OrtApi, name: string, typeInfo: Pointer): ValueInfo {
  const f = api.functions;
  const kind = VALUE_KINDS[api.readInt((out) => f.GetOnnxTypeFromTypeInfo(typeInfo, out))] ?? 'unknown';
  const tensorInfo = kind === 'tensor' ? api.read((out) => f.CastTypeInfoToTensorInfo(typeInfo, out)) : 0;
  if (tensorInfo === 0) {
    return { name, kind, dataType: undefined, onnxElementType: 'UNDEFINED', dims: [], symbolicDims: [] };
  }
  const elementType = api.readInt((out) => f.GetTensorElementType(tensorInfo, out));
  const dims = readDims(api, tensorInfo);
  return {
    name,
    kind,
    dataType: elementTypeOf(elementType),
    onnxElementType: onnxElementName(elementType),
    dims,
    symbolicDims: readSymbolicDims(api, tensorInfo, dims.length),
  };
}

/** Dimensions of an `OrtTensorTypeAndShapeInfo`. */
export function readDims(api: OrtApi, tensorInfo: Pointer): number[] {
  const f = api.functions;
  const rank = api.read((out) => f.GetDimensionsCount(tensorInfo, out));
  const dims = new BigInt64Array(rank);
  if (rank > 0) api.check(f.GetDimensions(tensorInfo, dims, rank));
  return Array.from(dims, Number);
}

function readSymbolicDims(api: OrtApi, tensorInfo: Pointer, rank: number): string[] {
  if (rank === 0) return [];
  const names = new BigUint64Array(rank);
  api.check(api.functions.GetSymbolicDimensions(tensorInfo, names, rank));
  return Array.from(names, (address) => (address === 0n ? '' : api.text(Number(address))));
}
