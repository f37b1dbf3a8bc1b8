import type { Argument, InputOutput, OpDef } from '../format/index.ts';
import { type ArgumentValue, makeArgument } from './arguments.ts';
import { DataNode } from './node.ts';
import type { Device } from './options.ts';

/** Options of any operator: camelCase names of DALI's arguments; a DataNode where the argument is computed per sample. */
export type OperatorOptions = object;

/** Collects operators in the order in which they are made. */
export class PipelineBuilder {
  readonly #ops: OpDef[] = [];
  readonly #names = new Set<string>();

  get ops(): readonly OpDef[] {
    return this.#ops;
  }

  /**
   * Adds an operator by its schema name (`decoders__Image`) and returns its outputs. Throws TypeError for an argument DALI does not have
   * or an instance name used twice.
   */
  add(schemaName: string, inputs: readonly DataNode[], options: OperatorOptions = {}, outputCount = 1): DataNode[] {
    const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
    const logicalId = this.#ops.length;
    const className = schemaName.split('__').at(-1) ?? schemaName;
    const name = given.get('name');
    const instanceName = typeof name === 'string' ? name : `__${className}_${logicalId}`;
    if (this.#names.has(instanceName)) throw new TypeError(`two operators are named "${instanceName}"`);
    this.#names.add(instanceName);
    given.delete('name');
    const device =
      (given.get('device') as Device | undefined) ?? (inputs.some((input) => input.device === 'gpu') ? 'gpu' : 'cpu');
    given.set('device', device);
    const outputDevice = device === 'cpu' ? 'cpu' : 'gpu';
    const nodes = Array.from(
      { length: outputCount },
      (_, index) => new DataNode(outputCount === 1 ? instanceName : `${instanceName}[${index}]`, outputDevice),
    );
    const argumentInputs: InputOutput[] = [];
    const args: Argument[] = [];
    for (const [key, value] of given) {
      const argument = snakeCase(key);
      if (value instanceof DataNode) argumentInputs.push(tensor(value, argument));
      else args.push(makeArgument(argument, value as ArgumentValue));
    }
    this.#ops.push({
      name: schemaName,
      inputs: [...inputs.map((input) => tensor(input)), ...argumentInputs],
      outputs: nodes.map((node) => tensor(node)),
      args,
      instanceName,
      logicalId,
    });
    return nodes;
  }
}

export function tensor(node: DataNode, argName = ''): InputOutput {
  return {
    name: node.name,
    device: node.device,
    isArgumentInput: argName !== '',
    argName,
    dtype: -1,
    ndim: -1,
    layout: '',
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
