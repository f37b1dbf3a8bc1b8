import type { DataType } from './data-type.ts';

/** A tensor in a graph: little-endian and row-major, or the strings themselves. */
export interface TensorConstant {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly content:
    | { readonly kind: 'raw'; readonly bytes: Uint8Array }
    | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] };
}

/** -1: unknown dimension; undefined: unknown rank. */
export type Shape = readonly number[] | undefined;

export type AttrValue =
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'type'; readonly value: DataType | undefined }
  | { readonly kind: 'shape'; readonly value: Shape }
  | { readonly kind: 'tensor'; readonly value: TensorConstant }
  | { readonly kind: 'list'; readonly value: AttrList }
  /** A function's name; its attributes are not kept. */
  | { readonly kind: 'function'; readonly value: string };

/** `AttrValue.ListValue`: in practice one of the lists is filled. */
export interface AttrList {
  readonly strings: readonly Uint8Array[];
  readonly ints: readonly bigint[];
  readonly floats: readonly number[];
  readonly bools: readonly boolean[];
  readonly types: readonly (DataType | undefined)[];
  readonly shapes: readonly Shape[];
}

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:output` or `^node` (control). */
  readonly inputs: readonly string[];
  readonly device: string;
  readonly attributes: ReadonlyMap<string, AttrValue>;
}

/** A TensorFlow graph as stored in a frozen `.pb` / `.graphdef` file (graph.proto). */
export interface GraphDef {
  readonly nodes: readonly NodeDef[];
  /** Names of the functions in the library. A frozen graph has none. */
  readonly functionNames: readonly string[];
  /** `versions.producer` and `versions.min_consumer`. */
  readonly producerVersion: number;
  readonly minConsumerVersion: number;
}
