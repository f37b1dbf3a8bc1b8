import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { field, graph, message, model, node, TYPE, tensor } from './test-support/onnx-bytes.ts';

const PROGRAM = new URL('test-support/load-from-stdin.ts', import.meta.url).pathname;
/** What a process with ONNX Runtime takes by itself is 90 MB. */
const MAX_RESIDENT_BYTES = 300e6;

interface Outcome {
  /** Name and message of the error; undefined when the model was loaded. */
  readonly error?: string;
  readonly residentBytes: number;
}

/** Loads a model in a process of its own: a library that aborts ends that one only, and fails the test. */
async function load(bytes: Uint8Array): Promise<Outcome> {
  const running = promisify(execFile)(process.execPath, [PROGRAM]);
  running.child.stdin?.end(bytes);
  return JSON.parse((await running).stdout) as Outcome;
}

const X = { name: 'X', type: TYPE.FLOAT, dims: [4] };
const Y = { ...X, name: 'Y' };
const int64 = (...values: bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(values).buffer);
const identity = { nodes: [node('Identity', ['X'], ['Y'])], inputs: [X], outputs: [Y] };

/** AttributeProto `name` of type GRAPH (5). */
function graphAttribute(name: string, body: Uint8Array): Buffer {
  return message(field(1, name), field(6, body), field(20, 5));
}

const HOSTILE: readonly (readonly [name: string, bytes: Uint8Array, outcome: RegExp | undefined])[] = [
  [
    'a cycle',
    model({
      nodes: [node('Add', ['X', 'b'], ['a']), node('Identity', ['a'], ['b']), node('Identity', ['b'], ['Y'])],
      inputs: [X],
      outputs: [Y],
    }),
    /^OnnxRuntimeError: .*(not acyclic|not output of any previous nodes)/,
  ],
  [
    'a node that feeds itself',
    model({ nodes: [node('Add', ['X', 'Y'], ['Y'])], inputs: [X], outputs: [Y] }),
    /^OnnxRuntimeError: /,
  ],
  ['an output that nobody makes', model({ ...identity, outputs: [{ ...Y, name: 'Z' }] }), /^OnnxRuntimeError: /],
  [
    'an operator that there is not',
    model({ ...identity, nodes: [node('Exec', ['X'], ['Y'])] }),
    /^OnnxRuntimeError: .*No Op registered for Exec/,
  ],
  [
    'an initialiser with a negative dimension',
    model({
      ...identity,
      nodes: [node('Add', ['X', 'W'], ['Y'])],
      initializers: [tensor('W', TYPE.FLOAT, [-1], new Uint8Array(0))],
    }),
    /^OnnxRuntimeError: /,
  ],
  [
    'an initialiser whose size overflows 64 bits',
    model({
      ...identity,
      nodes: [node('Add', ['X', 'W'], ['Y'])],
      initializers: [tensor('W', TYPE.FLOAT, [2 ** 40, 2 ** 40], new Uint8Array(16))],
    }),
    /^OnnxRuntimeError: /,
  ],
  [
    'a constant of terabytes: nothing is made when the model is loaded',
    model({
      ...identity,
      nodes: [
        node('ConstantOfShape', ['shape'], ['big']),
        node('ReduceMax', ['big'], ['m']),
        node('Add', ['X', 'm'], ['Y']),
      ],
      initializers: [tensor('shape', TYPE.INT64, [2], int64(2n ** 21n, 2n ** 21n))],
    }),
    undefined,
  ],
  [
    'a loop of 2^62 rounds: nothing runs when the model is loaded',
    model({
      nodes: [
        node(
          'Loop',
          ['count', 'go', 'X'],
          ['Y'],
          [
            graphAttribute(
              'body',
              graph({
                nodes: [node('Identity', ['on'], ['more']), node('Add', ['v', 'v'], ['w'])],
                inputs: [
                  { name: 'i', type: TYPE.INT64, dims: [] },
                  { name: 'on', type: TYPE.BOOL, dims: [] },
                  { ...X, name: 'v' },
                ],
                outputs: [
                  { name: 'more', type: TYPE.BOOL, dims: [] },
                  { ...X, name: 'w' },
                ],
              }),
            ),
          ],
        ),
      ],
      inputs: [X],
      outputs: [Y],
      initializers: [tensor('count', TYPE.INT64, [], int64(2n ** 62n)), tensor('go', TYPE.BOOL, [], Uint8Array.of(1))],
    }),
    undefined,
  ],
  ['an IR version of the future', Buffer.concat([model(identity), field(1, 9999)]), /^OnnxRuntimeError: .*IR version/],
  [
    'an operator set of the future',
    Buffer.concat([model(identity), field(8, message(field(1, ''), field(2, 9999)))]),
    /^OnnxRuntimeError: /,
  ],
  ['no operator set', message(field(1, 8), field(7, graph(identity))), /^OnnxRuntimeError: /],
  [
    'two nodes that make one tensor',
    model({ ...identity, nodes: [node('Identity', ['X'], ['Y']), node('Neg', ['X'], ['Y'])] }),
    /^OnnxRuntimeError: /,
  ],
  ['a type that there is not', model({ ...identity, inputs: [{ ...X, type: 99 }] }), /^OnnxRuntimeError: /],
];

describe('hostile graphs: an error or a session, never a crash, and memory has a bound', () => {
  for (const [name, bytes, expected] of HOSTILE) {
    it(name, async () => {
      const { error, residentBytes } = await load(bytes);
      if (expected === undefined) assert.equal(error, undefined);
      else assert.match(error ?? 'loaded', expected);
      assert.ok(residentBytes < MAX_RESIDENT_BYTES, `${residentBytes} bytes`);
    });
  }
});
