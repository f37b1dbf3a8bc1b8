import { type Attribute, cast, type GraphBuilder, stringConstant } from '@nereid/onnx';
import { ImportError } from '../shared/index.ts';
import { Attributes } from './attributes.ts';
import { type DataType, elementTypeFor } from './data-type.ts';
import type { NodeDef, Shape, TensorConstant } from './graph-def.ts';
import { computeType } from './runtime-types.ts';
import { printShape } from './shape-arithmetic.ts';
import { computedValue, constantOf, convertElement, type Elements, isKnown, type Value } from './value.ts';

/** What belongs to the whole graph and is passed to every node. */
export interface EmitState {
  readonly builder: GraphBuilder;
  /** Names of constants that are in the ONNX graph already. */
  readonly constantNames: Map<TensorConstant, string>;
  /** Value name (N, ..., C) -> name of the same tensor as (N, C, ...), so that a pair of transposes is not written. */
  readonly channelsFirst: Map<string, Value>;
  /** Weights that were brought into ONNX's layout, by constant and permutation. */
  readonly permuted: Map<TensorConstant, Map<string, Value>>;
}

/** What a value that an operator computes is known to be. */
export interface ResultFacts {
  readonly dataType: DataType;
  readonly shape: Shape;
  readonly elements?: Elements;
}

/** An operand: a value, the name of one, or nothing where an optional input is left out. */
export type Operand = Value | string | undefined;

/** One source node while it is translated: what it takes, and how to write what becomes of it. */
export class OpContext {
  readonly node: NodeDef;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly state: EmitState;

  constructor(node: NodeDef, inputs: readonly Value[], state: EmitState) {
    this.node = node;
    this.inputs = inputs;
    this.state = state;
    this.attributes = new Attributes(node);
  }

  /** Input `index`; ImportError `invalid` when the node has fewer. */
  input(index: number): Value {
    const value = this.inputs[index];
    if (value !== undefined) return value;
    throw new ImportError('invalid', `${this.where}: input ${index} is missing`);
  }

  get where(): string {
    return `node '${this.node.name}' (${this.node.op})`;
  }

  /** Refuses the node: it is correct, but this form of it is not translated. */
  unsupported(problem: string): never {
    throw new ImportError('unsupported', `${this.where}: ${problem}`);
  }

  /** Refuses the node: it contradicts itself. */
  invalid(problem: string): never {
    throw new ImportError('invalid', `${this.where}: ${problem}`);
  }

  /** The rank of a value. Refuses the node when it is unknown. */
  rank(value: Value, what: string): number {
    return value.shape?.length ?? this.unsupported(`the rank of ${what} is not known`);
  }

  /** The shape of a value of a given rank. */
  shapeOfRank(value: Value, rank: number, what: string): readonly number[] {
    const shape = value.shape;
    if (shape === undefined) this.unsupported(`the rank of ${what} is not known`);
    if (shape.length !== rank) this.invalid(`${what} has the shape ${printShape(shape)}, expected rank ${rank}`);
    return shape;
  }

  /** What is known of the elements of input `index`, which must be integers: shapes, sizes, paddings. */
  integerElements(index: number, what: string): Elements | undefined {
    const { elements } = this.input(index);
    if (elements?.some((element) => element !== undefined && !Number.isSafeInteger(element))) {
      this.invalid(`${what} (input ${index}) must be integers`);
    }
    return elements;
  }

  /** The elements of input `index`, which must be constant integers: axes, sizes, strides. */
  constantInput(index: number, what: string): readonly number[] {
    const elements = this.constantNumbers(index, what);
    if (!elements.every(Number.isSafeInteger)) this.invalid(`${what} (input ${index}) must be integers`);
    return elements;
  }

  /** The elements of input `index`, which must be a constant (or computed from constants and known shapes). */
  constantNumbers(index: number, what: string): readonly number[] {
    const elements = this.input(index).elements;
    if (isKnown(elements)) return elements;
    return this.unsupported(`${what} (input ${index}) must be a constant`);
  }

  /** The value of a constant scalar input. */
  constantScalar(index: number, what: string): number {
    const [first, ...rest] = this.constantInput(index, what);
    if (first === undefined || rest.length > 0) return this.invalid(`${what} (input ${index}) must be a scalar`);
    return first;
  }

  /** The name of a value in the ONNX graph; a constant is added to it when it is first asked for. */
  nameOf(operand: Operand): string {
    if (operand === undefined) return '';
    if (typeof operand === 'string') return operand;
    if (operand.name !== undefined) return operand.name;
    if (operand.constant === undefined) this.unsupported('an input comes from a branch that is never taken');
    return this.#constantName(operand.constant);
  }

  /**
   * Writes an operator with one output. Operands of a type that ONNX Runtime does not compute this operator in are widened, and a result of
   * that type is narrowed again.
   */
  emit(
    opType: string,
    operands: readonly Operand[],
    result: ResultFacts,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    // The condition of Where is not what its types are about.
    const typed = opType === 'Where' ? 1 : 0;
    const first = operands.slice(typed).find((operand) => typeof operand === 'object');
    const type = first?.dataType ?? result.dataType;
    const computed = computeType(opType, type);
    if (computed === undefined) return this.unsupported(`${opType} of ${type} is not available in ONNX Runtime`);
    const widened =
      computed === type
        ? operands
        : operands.map((operand, index) => (index < typed ? operand : this.#widen(operand, type, computed)));
    const names = widened.map((operand) => this.nameOf(operand));
    const [name] = this.state.builder.node(opType, names, { attributes, outputs: [this.newName(opType)] });
    const dataType = result.dataType === type ? computed : result.dataType;
    return this.castTo(computedValue(name as string, dataType, result.shape, result.elements), result.dataType);
  }

  /** Writes an operator with several outputs; no types are converted. */
  emitMany(
    opType: string,
    operands: readonly Operand[],
    results: readonly ResultFacts[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const names = operands.map((operand) => this.nameOf(operand));
    const outputs = results.map(() => this.newName(opType));
    this.state.builder.node(opType, names, { attributes, outputs });
    return results.map((result, index) =>
      computedValue(outputs[index] as string, result.dataType, result.shape, result.elements),
    );
  }

  castTo(value: Value, type: DataType): Value {
    if (value.dataType === type) return value;
    const { shape, elements } = value;
    if (value.constant !== undefined && isKnown(elements) && shape !== undefined) {
      return constantOf(
        type,
        shape,
        elements.map((element) => convertElement(type, element)),
      );
    }
    const name = cast(this.state.builder, this.nameOf(value), this.elementType(type), {
      outputs: [this.newName('Cast')],
    });
    const converted = elements?.map((element) => (element === undefined ? element : convertElement(type, element)));
    return computedValue(name, type, shape, converted);
  }

  /** A constant made by the translation. */
  numbers(type: DataType, dims: readonly number[], values: readonly (number | bigint)[]): Value {
    return computedValue(
      this.state.builder.numbers(this.elementType(type), dims, values),
      type,
      dims,
      values.map((value) => (typeof value === 'number' ? value : undefined)),
    );
  }

  scalar(type: DataType, value: number): Value {
    return this.numbers(type, [], [value]);
  }

  elementType(type: DataType): NonNullable<ReturnType<typeof elementTypeFor>> {
    return elementTypeFor(type) ?? this.unsupported(`tensors of ${type} are not supported`);
  }

  newName(opType: string): string {
    return this.state.builder.uniqueName(`${this.node.name}/${opType}`);
  }

  #widen(operand: Operand, type: DataType, wider: DataType): Operand {
    return typeof operand === 'object' && operand.dataType === type ? this.castTo(operand, wider) : operand;
  }

  #constantName(constant: TensorConstant): string {
    const known = this.state.constantNames.get(constant);
    if (known !== undefined) return known;
    const elementType = this.elementType(constant.dataType);
    const { builder } = this.state;
    const hint = `${this.node.name}/const`;
    const name =
      constant.content.kind === 'strings'
        ? builder.constant(stringConstant(hint, constant.dims, constant.content.values))
        : builder.constant({ name: hint, elementType, dims: constant.dims, content: constant.content });
    this.state.constantNames.set(constant, name);
    return name;
  }
}
