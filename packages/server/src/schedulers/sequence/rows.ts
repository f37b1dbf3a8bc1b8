import type { Tensor } from '@nereid/protocol';
import type { CorrelationId } from '../../inference/index.ts';
import type { BatchExtras } from '../instance-pool.ts';
import type { SequenceControl, SequencePolicy, SequenceState } from './policy.ts';

/** The states of a sequence between its requests; one tensor per configured state. */
export interface SequenceMemory {
  states: readonly Tensor[];
}

/** What a row of a batch says of its sequence; undefined for a row that only fills a hole. */
export interface SequenceRow {
  readonly correlationId: CorrelationId;
  readonly start: boolean;
  readonly end: boolean;
  readonly memory: SequenceMemory;
}

/** The memory of a sequence that has just begun. */
export function freshMemory(policy: SequencePolicy): SequenceMemory {
  return { states: policy.states.map(({ initial }) => initial) };
}

/** Whether two sequences' states have one shape, so that they can be rows of one tensor. */
export function statesFit(a: SequenceMemory, b: SequenceMemory): boolean {
  return a.states.every((state, index) => {
    const shape = b.states[index]?.shape ?? [];
    return state.shape.length === shape.length && state.shape.every((dim, axis) => dim === shape[axis]);
  });
}

/** Control and state tensors for a batch, and what takes the new states in. */
export function sequenceExtras(policy: SequencePolicy, rows: readonly (SequenceRow | undefined)[]): BatchExtras {
  const inputs = new Map<string, Tensor>();
  for (const control of policy.controls) inputs.set(control.name, controlTensor(policy, control, rows));
  if (policy.states.length === 0) return { schedulerInputs: inputs };
  for (const [index, state] of policy.states.entries()) inputs.set(state.inputName, stateTensor(state, index, rows));
  return { schedulerInputs: inputs, onSchedulerOutputs: (outputs) => storeStates(policy, rows, outputs) };
}

function controlTensor(
  policy: SequencePolicy,
  control: SequenceControl,
  rows: readonly (SequenceRow | undefined)[],
): Tensor {
  const { name, dataType } = control;
  const shape = policy.batches ? [rows.length, 1] : [1];
  return { name, dataType, shape, data: concat(rows.map((row) => controlValue(control, row))) };
}

function controlValue(control: SequenceControl, row: SequenceRow | undefined): Uint8Array {
  if (row === undefined) return control.falseValue;
  switch (control.kind) {
    case 'ready':
      return control.trueValue;
    case 'start':
      return row.start ? control.trueValue : control.falseValue;
    case 'end':
      return row.end ? control.trueValue : control.falseValue;
    case 'correlation':
      return correlationBytes(control, row.correlationId);
  }
}

/** The id as one element; the low bytes of a number for a narrow type, as in Triton. */
function correlationBytes(control: SequenceControl, id: CorrelationId): Uint8Array {
  if (control.dataType === 'BYTES') {
    const text = new TextEncoder().encode(String(id));
    const element = new Uint8Array(4 + text.byteLength);
    new DataView(element.buffer).setUint32(0, text.byteLength, true);
    element.set(text, 4);
    return element;
  }
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, typeof id === 'bigint' ? BigInt.asUintN(64, id) : 0n, true);
  return number.subarray(0, control.falseValue.byteLength);
}

function stateTensor(state: SequenceState, index: number, rows: readonly (SequenceRow | undefined)[]): Tensor {
  const filler = rows.find((row) => row !== undefined)?.memory.states[index] ?? state.initial;
  const parts = rows.map((row) => row?.memory.states[index]?.data ?? emptyLike(filler));
  const { dataType, shape } = filler;
  return { name: state.inputName, dataType, shape: batchShape(shape, rows.length), data: concat(parts) };
}

function batchShape(shape: readonly number[], rowCount: number): readonly number[] {
  return rowCount === 1 ? shape : [rowCount, ...shape.slice(1)];
}

/** BYTES elements of a hole are empty strings. */
function emptyLike(tensor: Tensor): Uint8Array {
  if (tensor.dataType !== 'BYTES') return new Uint8Array(tensor.data.byteLength);
  return new Uint8Array(4 * tensor.shape.reduce((product, dim) => product * dim, 1));
}

/** Gives each row its part of the state outputs. A state the model did not produce stays as it was. */
function storeStates(
  policy: SequencePolicy,
  rows: readonly (SequenceRow | undefined)[],
  outputs: readonly Tensor[],
): void {
  const parts = policy.states.map(({ outputName }) => {
    const output = outputs.find(({ name }) => name === outputName);
    return output === undefined ? undefined : splitRows(output, rows.length);
  });
  for (const [index, row] of rows.entries()) {
    if (row === undefined) continue;
    row.memory.states = row.memory.states.map((state, position) => parts[position]?.[index] ?? state);
  }
}

function splitRows(tensor: Tensor, rowCount: number): Tensor[] {
  if (rowCount === 1) return [tensor];
  const shape = [1, ...tensor.shape.slice(1)];
  const ends = tensor.dataType === 'BYTES' ? bytesRowEnds(tensor, rowCount) : undefined;
  const size = tensor.data.byteLength / rowCount;
  return Array.from({ length: rowCount }, (_, row) => {
    const start = ends === undefined ? row * size : (ends[row - 1] ?? 0);
    // A copy: the rows of one execution would keep each other's memory alive while one of the sequences lives.
    const data = tensor.data.slice(start, ends === undefined ? start + size : ends[row]);
    return { name: tensor.name, dataType: tensor.dataType, shape, data };
  });
}

function bytesRowEnds(tensor: Tensor, rowCount: number): number[] {
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const perRow = tensor.shape.slice(1).reduce((product, dim) => product * dim, 1);
  const ends: number[] = [];
  let offset = 0;
  for (let row = 0; row < rowCount; row++) {
    for (let element = 0; element < perRow && offset + 4 <= view.byteLength; element++)
      offset += 4 + view.getUint32(offset, true);
    ends.push(offset);
  }
  return ends;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.byteLength;
  }
  return data;
}
