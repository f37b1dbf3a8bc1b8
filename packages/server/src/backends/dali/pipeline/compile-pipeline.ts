import { type ElementType, elementTypeOf, type OpDef, type PipelineDef } from '../format/index.ts';

import { PipelineCompileError } from './errors.ts';
import { OpArguments } from './op-arguments.ts';
import type { CompiledOperator, OperatorDefinition } from './operator.ts';

/** Far more than any sample has; a declared number beyond it is a damaged file. */
const MAX_DIMENSIONS = 32;

/** What a pipeline reads from outside: one per model input. */
export interface PipelineSource {
  readonly name: string;
  /** The tensor it fills. */
  readonly tensor: number;
  /** Declared type, dimensions of a sample and layout, where the file has them. */
  readonly type: ElementType | undefined;
  readonly ndim: number | undefined;
  readonly layout: string;
}

export interface PipelineOutput {
  readonly name: string;
  readonly tensor: number;
  readonly type: ElementType | undefined;
  readonly ndim: number | undefined;
}

/** One operator with its tensors by number. */
export interface PipelineStep {
  readonly op: OpDef;
  readonly operator: CompiledOperator;
  readonly inputs: readonly number[];
  /** Argument tensors by argument name. */
  readonly named: readonly (readonly [string, number])[];
  readonly outputs: readonly number[];
  /** Tensors that nothing needs after this step. */
  readonly lastUses: readonly number[];
}

/** A pipeline ready to run. Tensors are numbers from 0. */
export interface CompiledPipeline {
  readonly sources: readonly PipelineSource[];
  readonly steps: readonly PipelineStep[];
  readonly outputs: readonly PipelineOutput[];
  readonly tensorCount: number;
  /** Some step looks at all samples of a request together. */
  readonly isBatchWide: boolean;
}

export interface OperatorTable {
  readonly operators: ReadonlyMap<string, OperatorDefinition>;
  /** Why a known operator is refused. */
  readonly refusalOf: (name: string) => string | undefined;
}

/**
 * Checks a pipeline and binds its operators. Devices are ignored: everything runs on the CPU. Operators whose results nobody uses are checked, too, but
 * do not run. Throws PipelineCompileError naming the operator, its instance and its place.
 */
export function compilePipeline(pipeline: PipelineDef, { operators, refusalOf }: OperatorTable): CompiledPipeline {
  const tensors = new TensorNumbers();
  const sources: PipelineSource[] = [];
  const steps: Omit<PipelineStep, 'lastUses'>[] = [];
  const hasSource = (name: string): boolean =>
    pipeline.ops.some((op) => isExternalSource(op) && op.instanceName === name);
  for (const name of pipeline.externalInputs) {
    if (!hasSource(name))
      sources.push({ name, tensor: tensors.define(name)!, type: undefined, ndim: undefined, layout: '' });
  }
  pipeline.ops.forEach((op, position) => {
    if (isExternalSource(op)) sources.push(compileSource(op, position, tensors));
    else steps.push(compileStep(op, position, tensors, { operators, refusalOf }));
  });
  const outputs = pipeline.outputs.map((output) => {
    const tensor = tensors.find(output.name);
    if (tensor === undefined)
      throw new PipelineCompileError(`the pipeline's output "${output.name}" is produced by no operator`);
    if (output.ndim > MAX_DIMENSIONS) {
      throw new PipelineCompileError(
        `the pipeline's output "${output.name}" declares ${output.ndim} dimensions; ${MAX_DIMENSIONS} are the most`,
      );
    }
    return {
      name: output.name,
      tensor,
      type: elementTypeOf(output.dtype),
      ndim: output.ndim >= 0 ? output.ndim : undefined,
    };
  });
  if (outputs.length === 0) throw new PipelineCompileError('the pipeline has no outputs');
  const needed = withLastUses(
    steps,
    outputs.map((output) => output.tensor),
  );
  return {
    sources,
    steps: needed,
    outputs,
    tensorCount: tensors.count,
    isBatchWide: needed.some((step) => step.operator.scope === 'batch'),
  };
}

/** Infers every output's element type from the sources' types, where that is possible before anything runs. */
export function inferOutputTypes(
  pipeline: CompiledPipeline,
  sourceTypes: ReadonlyMap<string, ElementType>,
): (ElementType | undefined)[] {
  const types = new Array<ElementType | undefined>(pipeline.tensorCount).fill(undefined);
  for (const source of pipeline.sources) types[source.tensor] = source.type ?? sourceTypes.get(source.name);
  for (const step of pipeline.steps) {
    const results = step.operator.inferTypes(step.inputs.map((tensor) => types[tensor]));
    step.outputs.forEach((tensor, i) => {
      types[tensor] = results[i];
    });
  }
  return pipeline.outputs.map((output) => types[output.tensor]);
}

class TensorNumbers {
  readonly #numbers = new Map<string, number>();

  get count(): number {
    return this.#numbers.size;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** Undefined when the name is taken. */
  define(name: string): number | undefined {
    if (this.#numbers.has(name)) return undefined;
    this.#numbers.set(name, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

function isExternalSource(op: OpDef): boolean {
  return op.name === 'ExternalSource' || op.name === '_ExternalSource';
}

function compileSource(op: OpDef, position: number, tensors: TensorNumbers): PipelineSource {
  const args = new OpArguments(op, position);
  const [output] = op.outputs;
  if (output === undefined || op.outputs.length !== 1)
    throw args.fail(`an external source has one output, not ${op.outputs.length}`);
  const tensor = tensors.define(output.name);
  if (tensor === undefined) throw args.fail(`tensor "${output.name}" is produced twice`);
  const ndim = args.int('ndim', -1);
  const layout = args.string('layout', '');
  if (ndim > MAX_DIMENSIONS || layout.length > MAX_DIMENSIONS || output.ndim > MAX_DIMENSIONS) {
    throw args.fail(`more than ${MAX_DIMENSIONS} dimensions are declared`);
  }
  return {
    name: op.instanceName === '' ? output.name : op.instanceName,
    tensor,
    type: args.dataType('dtype') ?? elementTypeOf(output.dtype),
    ndim: ndim >= 0 ? ndim : layout !== '' ? layout.length : output.ndim >= 0 ? output.ndim : undefined,
    layout: layout === '' ? output.layout : layout,
  };
}

function compileStep(
  op: OpDef,
  position: number,
  tensors: TensorNumbers,
  { operators, refusalOf }: OperatorTable,
): Omit<PipelineStep, 'lastUses'> {
  const args = new OpArguments(op, position);
  const name = op.name.replace(/^_+/, '');
  const definition = operators.get(name);
  if (definition === undefined) throw args.fail(`the operator is not supported${suffix(refusalOf(name))}`);
  const find = (tensor: string): number => {
    const number = tensors.find(tensor);
    if (number === undefined) throw args.fail(`input tensor "${tensor}" is produced by no operator before it`);
    return number;
  };
  const inputs = op.inputs.filter((input) => !input.isArgumentInput).map((input) => find(input.name));
  const named = op.inputs
    .filter((input) => input.isArgumentInput)
    .map((input) => [input.argName, find(input.name)] as const);
  checkCount(args, 'inputs', inputs.length, definition.inputs);
  checkCount(args, 'outputs', op.outputs.length, definition.outputs ?? [1, 1]);
  const operator = definition.compile(args);
  args.finish();
  const outputs = op.outputs.map((output) => {
    const number = tensors.define(output.name);
    if (number === undefined) throw args.fail(`tensor "${output.name}" is produced twice`);
    return number;
  });
  return { op, operator, inputs, named, outputs };
}

function suffix(refusal: string | undefined): string {
  return refusal === undefined ? '' : `: ${refusal}`;
}

function checkCount(args: OpArguments, what: string, count: number, [low, high]: readonly [number, number]): void {
  if (count >= low && count <= high) return;
  throw args.fail(`it has ${count} ${what} where ${low === high ? low : `${low} to ${high}`} are expected`);
}

/** Leaves out steps that no output needs, and notes where each tensor is used last. */
function withLastUses(steps: readonly Omit<PipelineStep, 'lastUses'>[], outputs: readonly number[]): PipelineStep[] {
  const live = new Set(outputs);
  const kept: PipelineStep[] = [];
  for (const step of steps.toReversed()) {
    if (!step.outputs.some((tensor) => live.has(tensor))) continue;
    const used = new Set([...step.inputs, ...step.named.map(([, tensor]) => tensor), ...step.outputs]);
    const lastUses = [...used].filter((tensor) => !live.has(tensor));
    for (const tensor of used) live.add(tensor);
    kept.push({ ...step, lastUses });
  }
  return kept.reverse();
}
