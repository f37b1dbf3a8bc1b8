import type { ElementType } from './element-type.ts';

/** A dimension: a size, a name that stands for an unknown size (`batch`), or undefined for one nobody knows. */
export type Dimension = number | string | undefined;

export interface TensorType {
  readonly kind: 'tensor' | 'sparse-tensor';
  readonly elementType: ElementType;
  /** undefined: not even the rank is known. */
  readonly shape: readonly Dimension[] | undefined;
}

export type ValueType =
  | TensorType
  | { readonly kind: 'sequence'; readonly element: ValueType }
  | { readonly kind: 'optional'; readonly element: ValueType }
  | { readonly kind: 'map'; readonly key: ElementType; readonly value: ValueType };

/** A graph input, output or annotated value. */
export interface ValueInfo {
  readonly name: string;
  /** undefined: not given. Required on the inputs and outputs of a model's main graph. */
  readonly type: ValueType | undefined;
}

/** Where the elements of a tensor are. `raw` is little-endian, row-major, and a view of the file it was read from. */
export type TensorContent =
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] }
  /** In another file; keys `location`, `offset`, `length`, `checksum`. */
  | { readonly kind: 'external'; readonly entries: ReadonlyMap<string, string> };

/** A tensor stored in a model: an initializer or the value of an attribute. */
export interface ConstantTensor {
  readonly name: string;
  readonly elementType: ElementType;
  readonly dims: readonly number[];
  readonly content: TensorContent;
}

/** `values` and `indices` as in `SparseTensorProto`. */
export interface SparseConstantTensor {
  readonly values: ConstantTensor;
  readonly indices: ConstantTensor;
  readonly dims: readonly number[];
}

export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: ConstantTensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'sparse-tensor'; readonly value: SparseConstantTensor }
  | { readonly kind: 'type'; readonly value: ValueType }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly kind: 'tensors'; readonly value: readonly ConstantTensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  | { readonly kind: 'sparse-tensors'; readonly value: readonly SparseConstantTensor[] }
  | { readonly kind: 'types'; readonly value: readonly ValueType[] }
  /** Inside a function: the value of the caller's attribute `name`. `type` is the kind it must have. */
  | { readonly kind: 'reference'; readonly name: string; readonly type: AttributeKind };

export type AttributeKind = Exclude<Attribute['kind'], 'reference'>;

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** '' is the standard operator set (`ai.onnx`). */
  readonly domain: string;
  /** '' where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Graph {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly initializers: readonly ConstantTensor[];
  readonly sparseInitializers: readonly SparseConstantTensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Types of values in between; optional. */
  readonly valueInfos: readonly ValueInfo[];
}

/** A model-local function (`FunctionProto`). */
export interface ModelFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes without a default. */
  readonly attributeNames: readonly string[];
  readonly attributeDefaults: ReadonlyMap<string, Attribute>;
  readonly nodes: readonly Node[];
  readonly opsetImports: ReadonlyMap<string, number>;
}

/** An ONNX model. Values: nothing in it changes once it was built. */
export interface Model {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  /** Version of each operator set by domain; '' is the standard one. */
  readonly opsetImports: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  readonly metadata: ReadonlyMap<string, string>;
}
