import { type Argument, type ElementType, elementTypeOf, type OpDef } from '../format/index.ts';
import { OperatorError, PipelineCompileError } from './errors.ts';
import type { SampleTensor } from './sample-tensor.ts';

/** Argument tensors of one sample, by argument name. */
export type NamedTensors = ReadonlyMap<string, SampleTensor>;
/** A numeric argument that is a constant or comes with each sample. */
export type PerSample = (named: NamedTensors) => readonly number[];

/** Arguments that change nothing on a CPU, or that this server decides itself. */
const IGNORED = new Set([
  'affine',
  'bytes_per_sample_hint',
  'cache_batch_copy',
  'cache_debug',
  'cache_size',
  'cache_threshold',
  'cache_type',
  'checkpointing',
  'device',
  'device_memory_padding',
  'device_memory_padding_jpeg2k',
  'host_memory_padding',
  'host_memory_padding_jpeg2k',
  'hw_decoder_load',
  'hybrid_huffman_threshold',
  'jpeg_fancy_upsampling',
  'max_batch_size',
  'memory_stats',
  'minibatch_size',
  'name',
  'num_threads',
  'preallocate_height_hint',
  'preallocate_width_hint',
  'preserve',
  'preserve_name',
  'seed',
  'split_stages',
  'temp_buffer_hint',
  'use_chunk_allocator',
]);

/** An operator's arguments as its compile step reads them. What is never asked for is an error, so that nothing is silently left out. */
export class OpArguments {
  readonly op: OpDef;
  readonly position: number;
  readonly #args: ReadonlyMap<string, Argument>;
  readonly #tensors: ReadonlySet<string>;
  readonly #used = new Set<string>();

  constructor(op: OpDef, position: number) {
    this.op = op;
    this.position = position;
    this.#args = new Map(op.args.map((argument) => [argument.name, argument]));
    this.#tensors = new Set(op.inputs.filter((input) => input.isArgumentInput).map((input) => input.argName));
  }

  /** Inputs that are not arguments. */
  get regularInputCount(): number {
    return this.op.inputs.filter((input) => !input.isArgumentInput).length;
  }

  fail(reason: string): PipelineCompileError {
    return PipelineCompileError.of(this.op, this.position, reason);
  }

  /** Given as a constant or as a tensor. */
  has(name: string): boolean {
    return this.#args.has(name) || this.#tensors.has(name);
  }

  /** Given, and the same for every sample. */
  isConstant(name: string): boolean {
    return this.#args.has(name);
  }

  bool(name: string, fallback: boolean): boolean {
    const argument = this.#take(name);
    if (argument === undefined) return fallback;
    return argument.bools[0] ?? this.#numbers(argument)[0] !== 0;
  }

  string(name: string, fallback: string): string {
    const argument = this.#take(name);
    if (argument === undefined) return fallback;
    const value = argument.strings[0];
    if (value === undefined) throw this.fail(`argument "${name}" is not a string`);
    return value;
  }

  /** One of a set of strings. */
  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.string(name, fallback);
    const found = choices.find((choice) => choice === value);
    if (found === undefined)
      throw this.fail(`argument "${name}" is "${value}" but must be one of ${choices.map((c) => `"${c}"`).join(', ')}`);
    return found;
  }

  float(name: string, fallback: number): number {
    return this.floats(name)?.[0] ?? fallback;
  }

  int(name: string, fallback: number): number {
    return this.ints(name)?.[0] ?? fallback;
  }

  /** A list, or a scalar as a list of one; undefined when not given. */
  floats(name: string): readonly number[] | undefined {
    const argument = this.#take(name);
    return argument === undefined ? undefined : this.#numbers(argument);
  }

  ints(name: string): readonly number[] | undefined {
    const values = this.floats(name);
    const bad = values?.find((value) => !Number.isSafeInteger(value));
    if (bad !== undefined) throw this.fail(`argument "${name}" holds ${bad}, which is not an integer`);
    return values;
  }

  bigints(name: string): readonly bigint[] | undefined {
    const argument = this.#take(name);
    if (argument === undefined) return undefined;
    return argument.isVector ? argument.extraArgs.flatMap((element) => element.ints) : argument.ints;
  }

  /** A DALIDataType; undefined when not given or NO_TYPE. Throws for a type that samples cannot have. */
  dataType(name: string): ElementType | undefined {
    const number = this.ints(name)?.[0];
    if (number === undefined || number === -1) return undefined;
    const type = elementTypeOf(number);
    if (type === undefined) throw this.fail(`argument "${name}" is the unknown data type ${number}`);
    return type;
  }

  /** An enumeration by DALI's number. */
  enumeration<T extends string>(name: string, table: Readonly<Record<number, T>>, fallback: T): T {
    const number = this.ints(name)?.[0];
    if (number === undefined) return fallback;
    const value = table[number];
    if (value === undefined) throw this.fail(`argument "${name}" has the unknown value ${number}`);
    return value;
  }

  /** A numeric argument that may come as a tensor; undefined when not given at all. */
  perSample(name: string): PerSample | undefined {
    if (this.#tensors.has(name)) {
      this.#used.add(name);
      return (named) => {
        const values = named.get(name)?.numbers() ?? [];
        const bad = values.find((value) => !Number.isFinite(value));
        if (bad !== undefined) throw new OperatorError(`argument "${name}" is ${bad}`);
        return values;
      };
    }
    const values = this.floats(name);
    return values === undefined ? undefined : () => values;
  }

  /** A scalar that may come as a tensor. */
  perSampleScalar(name: string, fallback: number): (named: NamedTensors) => number {
    const read = this.perSample(name);
    if (read === undefined) return () => fallback;
    return (named) => {
      const value = read(named)[0];
      if (value === undefined) throw new OperatorError(`argument "${name}" is an empty tensor`);
      return value;
    };
  }

  /** The tensor itself, for arguments that are whole arrays. */
  tensor(name: string): ((named: NamedTensors) => SampleTensor | undefined) | undefined {
    if (!this.#tensors.has(name)) return undefined;
    this.#used.add(name);
    return (named) => named.get(name);
  }

  ignore(...names: string[]): void {
    for (const name of names) this.#used.add(name);
  }

  /** Throws for arguments that were never asked for. */
  finish(): void {
    for (const name of [...this.#args.keys(), ...this.#tensors]) {
      if (this.#used.has(name) || IGNORED.has(name) || name.startsWith('_')) continue;
      throw this.fail(`argument "${name}" is not supported`);
    }
  }

  #take(name: string): Argument | undefined {
    if (this.#tensors.has(name)) throw this.fail(`argument "${name}" must be a constant`);
    this.#used.add(name);
    return this.#args.get(name);
  }

  #numbers(argument: Argument): readonly number[] {
    const { floats, ints, bools, extraArgs, isVector } = argument;
    if (isVector && extraArgs.length > 0) return extraArgs.flatMap((element) => this.#numbers(element));
    if (argument.strings.length > 0) throw this.fail(`argument "${argument.name}" is a string but must be a number`);
    return [...floats, ...ints.map(Number), ...bools.map(Number)];
  }
}
