import type { DataType } from '../data-type.ts';
import type { AttrValue, GraphDef, NodeDef, Shape } from '../graph-def.ts';
import { constantOf, type TestTensor } from './tensors.ts';

/** What tests write for an attribute: the kind follows from the value, `{ int: 1 }` and the like where it would not. */
export type TestAttribute =
  | string
  | boolean
  | number
  | readonly number[]
  | readonly string[]
  | { readonly int: number }
  | { readonly type: DataType }
  | { readonly shape: Shape };

/** Builds GraphDefs for tests; every method returns the node's name, to be used as an input. */
export class TestGraph {
  readonly #nodes: NodeDef[] = [];

  placeholder(name: string, type: DataType, shape: Shape): string {
    return this.#add(name, 'Placeholder', [], { dtype: { type }, shape: { shape } });
  }

  constant(name: string, value: TestTensor): string {
    this.#nodes.push({
      name,
      op: 'Const',
      inputs: [],
      device: '',
      attributes: new Map<string, AttrValue>([
        ['dtype', { kind: 'type', value: value.type }],
        ['value', { kind: 'tensor', value: constantOf(value) }],
      ]),
    });
    return name;
  }

  node(name: string, op: string, inputs: readonly string[], attributes: Record<string, TestAttribute> = {}): string {
    return this.#add(name, op, inputs, attributes);
  }

  build(): GraphDef {
    return { nodes: this.#nodes, functionNames: [], producerVersion: 134, minConsumerVersion: 0 };
  }

  #add(name: string, op: string, inputs: readonly string[], attributes: Record<string, TestAttribute>): string {
    const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const);
    this.#nodes.push({ name, op, inputs, device: '', attributes: new Map(entries) });
    return name;
  }
}

/** A number is a float attribute, `{ int }` an integer one: TensorFlow tells them apart. */
function attributeOf(value: TestAttribute): AttrValue {
  if (typeof value === 'string') return { kind: 'string', value: Buffer.from(value) };
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (typeof value === 'number') return { kind: 'float', value };
  if ('int' in value) return { kind: 'int', value: BigInt(value.int) };
  if ('type' in value) return { kind: 'type', value: value.type };
  if ('shape' in value) return { kind: 'shape', value: value.shape };
  const list = { strings: [], ints: [], floats: [], bools: [], types: [], shapes: [] };
  if (isStrings(value)) return { kind: 'list', value: { ...list, strings: value.map((text) => Buffer.from(text)) } };
  return { kind: 'list', value: { ...list, ints: value.map(BigInt) } };
}

function isStrings(list: readonly number[] | readonly string[]): list is readonly string[] {
  return typeof list[0] === 'string';
}
