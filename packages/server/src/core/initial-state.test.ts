import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseModelConfigText } from '../config/index.ts';
import { readInitialStates } from './initial-state.ts';

function statesOf(text: string) {
  const { schedulingChoice } = parseModelConfigText(`sequence_batching { ${text} }`);
  assert.equal(schedulingChoice.case, 'sequenceBatching');
  return schedulingChoice.value.state;
}

const read = (text: string) => readInitialStates(statesOf(text), '/nowhere');
const state = (initial: string, name = 'S') =>
  `state { input_name: "${name}" output_name: "O" data_type: TYPE_INT32 dims: [ -1, 2 ] ${initial} }`;
const initial = (fields: string) => `initial_state { ${fields} }`;
const ZERO = initial('name: "i" data_type: TYPE_INT32 dims: [ 1, 2 ] zero_data: true');

test('a state begins with zeros', async () => {
  const states = await read(state(ZERO));
  assert.deepEqual(states.get('S'), { name: 'S', dataType: 'INT32', shape: [1, 2], data: new Uint8Array(8) });
  assert.equal((await read(state(''))).size, 0);
});

test('what is wrong is said in the words of Triton', async () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      state(ZERO + ZERO),
      "initial_state field for state input 'S' must contain exactly one or zero element. Found '2' elements.",
    ],
    [
      state(initial('name: "i" data_type: TYPE_FP32 dims: [ 1, 2 ] zero_data: true')),
      "The data type used for 'initial_state' field of state 'S' does not match the state data type.",
    ],
    [
      state(initial('data_type: TYPE_INT32 dims: [ 1, 2 ] zero_data: true')),
      "Field 'name' must be set when using initial_state for state input 'S'.",
    ],
    [state(ZERO) + state(ZERO), "State input name 'S' specified more than once."],
    [
      state(initial('name: "i" data_type: TYPE_INT32 dims: 2 zero_data: true')),
      "Number of dimensions in 'initial_state' doesn't match the size of 'state' dimensions for state input 'S'. 1 != 2",
    ],
    [
      state(initial('name: "i" data_type: TYPE_INT32 dims: [ -1, 2 ] zero_data: true')),
      "'initial_state' field for state input name 'S' contains variable dimensions.",
    ],
    [
      state(initial('name: "i" data_type: TYPE_INT32 dims: [ 1, 3 ] zero_data: true')),
      "'initial_state' dim for input name 'S' doesn't match 'state' dim description. 3 != 2",
    ],
    [
      state(initial('name: "i" data_type: TYPE_INT32 dims: [ 1, 2 ]')),
      "initial_state setting expects state'S' to have state_data set",
    ],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(read(text), { name: 'StatusError', code: 'INVALID_ARG', message });
  }
});

test('a state begins with what a file says, and a file that is too short is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-initial-state-'));
  try {
    mkdirSync(join(directory, 'initial_state'));
    for (const size of [7, 8, 9]) {
      writeFileSync(
        join(directory, 'initial_state', `bytes${size}`),
        Uint8Array.from({ length: size }, (_, index) => index),
      );
    }
    const fromFile = (file: string) =>
      readInitialStates(
        statesOf(state(initial(`name: "i" data_type: TYPE_INT32 dims: [ 1, 2 ] data_file: "${file}"`))),
        directory,
      );
    for (const file of ['bytes8', 'bytes9']) {
      assert.deepEqual([...((await fromFile(file)).get('S')?.data ?? [])], [0, 1, 2, 3, 4, 5, 6, 7]);
    }
    await assert.rejects(fromFile('bytes7'), {
      code: 'INVALID_ARG',
      message: 'initial_state setting expects 8 bytes, but the data provided from bytes7only has 7 bytes.',
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
