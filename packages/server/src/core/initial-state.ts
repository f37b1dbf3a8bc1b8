import path from 'node:path';
import { dataTypeByteSize, StatusError, type Tensor } from '@nereid/protocol';
import type { ModelSequenceBatching_InitialState, ModelSequenceBatching_State } from '@nereid/protocol/model-config';
import { toProtocolDataType } from '../config/index.ts';
import { readModelData } from './model-data-file.ts';

/** Initial states live in `<model>/initial_state/<data_file>`. */
const STATE_DIRECTORY = 'initial_state';

/**
 * Reads the `initial_state` of each state that has one, by input name, without batch dimension.
 * @throws StatusError INVALID_ARG with Triton's texts
 */
export async function readInitialStates(
  states: readonly ModelSequenceBatching_State[],
  modelDirectory: string,
): Promise<ReadonlyMap<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const state of states) {
    const [initial] = state.initialState;
    if (initial === undefined) continue;
    if (state.initialState.length > 1) {
      throw invalid(
        `initial_state field for state input '${state.inputName}' must contain exactly one or zero element. ` +
          `Found '${state.initialState.length}' elements.`,
      );
    }
    checkInitialState(state, initial, tensors.has(state.inputName));
    tensors.set(state.inputName, await readInitialState(state, initial, modelDirectory));
  }
  return tensors;
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARG', message);
}

function checkInitialState(
  state: ModelSequenceBatching_State,
  initial: ModelSequenceBatching_InitialState,
  isRepeated: boolean,
): void {
  const name = state.inputName;
  if (initial.dataType !== state.dataType) {
    throw invalid(
      `The data type used for 'initial_state' field of state '${name}' does not match the state data type.`,
    );
  }
  if (initial.name === '') {
    throw invalid(`Field 'name' must be set when using initial_state for state input '${name}'.`);
  }
  if (isRepeated) throw invalid(`State input name '${name}' specified more than once.`);
  if (initial.dims.length !== state.dims.length) {
    throw invalid(
      `Number of dimensions in 'initial_state' doesn't match the size of 'state' dimensions for state input '${name}'. ` +
        `${initial.dims.length} != ${state.dims.length}`,
    );
  }
  for (const [axis, dim] of initial.dims.entries()) {
    if (dim < 0n) throw invalid(`'initial_state' field for state input name '${name}' contains variable dimensions.`);
    const expected = state.dims[axis]!;
    if (expected !== -1n && dim !== expected) {
      throw invalid(
        `'initial_state' dim for input name '${name}' doesn't match 'state' dim description. ${dim} != ${expected}`,
      );
    }
  }
}

async function readInitialState(
  state: ModelSequenceBatching_State,
  initial: ModelSequenceBatching_InitialState,
  modelDirectory: string,
): Promise<Tensor> {
  const dataType = toProtocolDataType(initial.dataType) ?? 'FP32';
  const shape = initial.dims.map(Number);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const byteSize = count * (dataType === 'BYTES' ? 4 : dataTypeByteSize(dataType));
  const { stateData } = initial;
  if (stateData.case === 'zeroData') return { name: state.inputName, dataType, shape, data: new Uint8Array(byteSize) };
  if (stateData.case !== 'dataFile') {
    throw invalid(`initial_state setting expects state'${state.inputName}' to have state_data set`);
  }
  const data = await readModelData(path.join(modelDirectory, STATE_DIRECTORY), stateData.value);
  if (dataType === 'BYTES') return { name: state.inputName, dataType, shape, data };
  if (data.byteLength < byteSize) {
    // The missing space is Triton's.
    const provided = `the data provided from ${stateData.value}only has ${data.byteLength} bytes.`;
    throw invalid(`initial_state setting expects ${byteSize} bytes, but ${provided}`);
  }
  return { name: state.inputName, dataType, shape, data: data.subarray(0, byteSize) };
}
