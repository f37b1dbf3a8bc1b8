import { ImportError } from '../shared/index.ts';
import type { DataType } from './data-type.ts';
import type { AttrList, AttrValue, NodeDef, Shape, TensorConstant } from './graph-def.ts';

const utf8 = new TextDecoder();
type Kind = AttrValue['kind'];
type ValueOf<K extends Kind> = Extract<AttrValue, { kind: K }>['value'];

/**
 * A node's attributes by type. Files may leave out an attribute that has its default: callers name the default of the op's definition.
 * Without one, or with a value of another kind, ImportError `invalid`.
 */
export class Attributes {
  readonly #node: NodeDef;

  constructor(node: NodeDef) {
    this.#node = node;
  }

  has(name: string): boolean {
    return this.#node.attributes.has(name);
  }

  int(name: string, otherwise?: number): number {
    const value = this.#get(name, 'int', otherwise === undefined ? undefined : BigInt(otherwise));
    return this.#safe(name, value);
  }

  float(name: string, otherwise?: number): number {
    return this.#get(name, 'float', otherwise);
  }

  bool(name: string, otherwise?: boolean): boolean {
    return this.#get(name, 'bool', otherwise);
  }

  string(name: string, otherwise?: string): string {
    return utf8.decode(this.#get(name, 'string', otherwise === undefined ? undefined : Buffer.from(otherwise)));
  }

  type(name: string, otherwise?: DataType): DataType {
    const attribute = this.#node.attributes.get(name);
    const type = attribute?.kind === 'type' ? attribute.value : otherwise;
    if (type === undefined) throw this.#error(name, 'is not a data type');
    return type;
  }

  /** The type, or undefined when the attribute is left out. */
  optionalType(name: string): DataType | undefined {
    return this.has(name) ? this.type(name) : undefined;
  }

  tensor(name: string): TensorConstant {
    return this.#get(name, 'tensor');
  }

  /** undefined: unknown rank, or no such attribute. */
  shape(name: string): Shape {
    const attribute = this.#node.attributes.get(name);
    return attribute?.kind === 'shape' ? attribute.value : undefined;
  }

  ints(name: string, otherwise?: readonly number[]): readonly number[] {
    if (otherwise !== undefined && !this.has(name)) return otherwise;
    return this.#list(name).ints.map((value) => this.#safe(name, value));
  }

  strings(name: string, otherwise?: readonly string[]): readonly string[] {
    if (otherwise !== undefined && !this.has(name)) return otherwise;
    return this.#list(name).strings.map((value) => utf8.decode(value));
  }

  #list(name: string): AttrList {
    return this.#get(name, 'list');
  }

  #get<K extends Kind>(name: string, kind: K, otherwise?: ValueOf<K>): ValueOf<K> {
    const attribute = this.#node.attributes.get(name);
    if (attribute === undefined) {
      if (otherwise === undefined) throw this.#error(name, 'is missing');
      return otherwise as unknown as ValueOf<K>;
    }
    if (attribute.kind !== kind) throw this.#error(name, `is of kind ${attribute.kind}, expected ${kind}`);
    return attribute.value as ValueOf<K>;
  }

  #safe(name: string, value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.#error(name, `has the value ${value}, which is out of range`);
    return number;
  }

  #error(name: string, problem: string): ImportError {
    return new ImportError('invalid', `node '${this.#node.name}' (${this.#node.op}): attribute '${name}' ${problem}`);
  }
}
