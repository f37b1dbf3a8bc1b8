import type { DataType, StatusCode } from '@nereid/protocol';
import { ensemble, toyModel } from '../../../core/test-support/configs.ts';

/** How a request comes: the protocol and the form of its contents. */
export type Route = 'HTTP, JSON' | 'HTTP, binary' | 'gRPC, typed' | 'gRPC, raw';

export const ROUTES: readonly Route[] = ['HTTP, JSON', 'HTTP, binary', 'gRPC, typed', 'gRPC, raw'];
/** Those that send bytes as they are. */
const BYTES_ROUTES: readonly Route[] = ['HTTP, binary', 'gRPC, raw'];

export type Value = number | bigint | boolean | string;

export interface ContractTensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
}

/** A request in no protocol's form. */
export interface ContractRequest {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, Value>>;
  readonly inputs: readonly ContractTensor[];
  readonly outputs?: readonly { readonly name: string; readonly classes?: number }[];
}

/** A result, or a refusal; texts may depend on whether values or bytes were sent. */
export type ContractAnswer =
  | {
      readonly model: string;
      readonly version: string;
      readonly id: string;
      readonly outputs: readonly ContractTensor[];
    }
  | { readonly code: StatusCode; readonly message: string };

export interface ContractCase {
  readonly name: string;
  readonly request: ContractRequest;
  readonly answer: ContractAnswer;
  /** Not given: all of them. */
  readonly routes?: readonly Route[];
}

const INTEGERS = ['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64'] as const;
const EXTREMES: Readonly<Partial<Record<DataType, readonly Value[]>>> = {
  BOOL: [true, false],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
  INT64: [-9223372036854775808n, 9223372036854775807n],
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  UINT64: [0n, 18446744073709551615n],
  FP32: [-1.5, 0.1],
  FP64: [-1.5, 1e300],
  BYTES: ['', 'größe'],
};
/** Only bytes can carry these. */
const HALVES = ['FP16', 'BF16'] as const;

const configName = (dataType: DataType) => (dataType === 'BYTES' ? 'TYPE_STRING' : `TYPE_${dataType}`);

/** `config.pbtxt` texts of the models that the cases use. */
export const MODELS: readonly string[] = [
  toyModel('add_sub', {
    behaviour: 'add_sub',
    inputs: ['INPUT0', 'INPUT1'],
    outputs: ['OUTPUT0', 'OUTPUT1'],
    dims: '2',
  }),
  toyModel('broken', { behaviour: 'fail' }),
  toyModel('vector', { maxBatchSize: 0 }),
  ...([...Object.keys(EXTREMES), ...HALVES] as DataType[]).map((dataType) =>
    toyModel(`copy_${dataType}`, { maxBatchSize: 0, dataType: configName(dataType) }),
  ),
  ensemble(
    'chain',
    [
      { model: 'vector', inputs: { INPUT0: 'IN' }, outputs: { OUTPUT0: 'between' } },
      { model: 'vector', inputs: { INPUT0: 'between' }, outputs: { OUTPUT0: 'OUT' } },
    ],
    { maxBatchSize: 0 },
  ),
];

function int32(name: string, shape: readonly number[], values: readonly number[]): ContractTensor {
  return { name, dataType: 'INT32', shape, values };
}

const PAIR = [int32('INPUT0', [1, 2], [5, 7]), int32('INPUT1', [1, 2], [1, 2])] as const;
const SUM = int32('OUTPUT0', [1, 2], [6, 9]);
const DIFFERENCE = int32('OUTPUT1', [1, 2], [4, 5]);
const ADD_SUB: ContractRequest = { model: 'add_sub', inputs: PAIR };
const NO_ID = '[request id: <id_unknown>] ';

function answer(model: string, outputs: readonly ContractTensor[], id = ''): ContractAnswer {
  return { model, version: '1', id, outputs };
}

function refusal(
  name: string,
  request: ContractRequest,
  message: string,
  code: StatusCode = 'INVALID_ARG',
): ContractCase {
  return { name, request, answer: { code, message } };
}

function copyCase(dataType: DataType, values: readonly Value[], routes: readonly Route[] = ROUTES): ContractCase {
  const model = `copy_${dataType}`;
  const tensor = { dataType, shape: [values.length], values };
  return {
    name: `${dataType} comes back as it was sent`,
    request: { model, inputs: [{ name: 'INPUT0', ...tensor }] },
    answer: answer(model, [{ name: 'OUTPUT0', ...tensor }]),
    routes,
  };
}

/** What a request comes to, whichever way it is sent. */
export const CASES: readonly ContractCase[] = [
  { name: 'all outputs', request: ADD_SUB, answer: answer('add_sub', [SUM, DIFFERENCE]) },
  {
    name: 'one output, an id, a version, parameters of the client',
    request: {
      ...ADD_SUB,
      id: 'a1',
      version: '1',
      parameters: { note: 'x', count: -3n, flag: true, factor: 1.5 },
      outputs: [{ name: 'OUTPUT1' }],
    },
    answer: answer('add_sub', [DIFFERENCE], 'a1'),
  },
  {
    name: 'a batch',
    request: { model: 'add_sub', inputs: PAIR.map(({ name }) => int32(name, [2, 2], [1, 2, 3, 4])) },
    answer: answer('add_sub', [int32('OUTPUT0', [2, 2], [2, 4, 6, 8]), int32('OUTPUT1', [2, 2], [0, 0, 0, 0])]),
  },
  ...(Object.entries(EXTREMES) as [DataType, readonly Value[]][]).map(([dataType, values]) =>
    copyCase(dataType, values),
  ),
  ...HALVES.map((dataType) => copyCase(dataType, [0x3c00, 0xc000], BYTES_ROUTES)),
  ...INTEGERS.map((dataType) => ({
    ...copyCase(dataType, []),
    name: `${dataType} without elements`,
    routes: BYTES_ROUTES,
  })),
  {
    name: 'an ensemble',
    request: { model: 'chain', inputs: [int32('IN', [3], [1, 2, 3])] },
    answer: answer('chain', [int32('OUT', [3], [1, 2, 3])]),
  },
  {
    name: 'classes',
    request: {
      model: 'vector',
      inputs: [int32('INPUT0', [3], [5, 9, 7])],
      outputs: [{ name: 'OUTPUT0', classes: 2 }],
    },
    answer: answer('vector', [{ name: 'OUTPUT0', dataType: 'BYTES', shape: [2], values: ['9:1', '7:2'] }]),
  },
  {
    name: 'classes of words',
    request: {
      model: 'copy_BYTES',
      inputs: [{ name: 'INPUT0', dataType: 'BYTES', shape: [1], values: ['a'] }],
      outputs: [{ name: 'OUTPUT0', classes: 1 }],
    },
    answer: { code: 'INVALID_ARG', message: "class result not available for output due to unsupported type 'BYTES'" },
  },
  refusal(
    'unknown model',
    { ...ADD_SUB, model: 'nope' },
    "Request for unknown model: 'nope' is not found",
    'NOT_FOUND',
  ),
  refusal(
    'unknown version',
    { ...ADD_SUB, version: '9' },
    "Request for unknown model: 'add_sub' version 9 is not found",
    'NOT_FOUND',
  ),
  refusal(
    'unknown output',
    { ...ADD_SUB, outputs: [{ name: 'NOPE' }] },
    "unexpected inference output 'NOPE' for model 'add_sub'",
  ),
  refusal(
    'missing input',
    { ...ADD_SUB, id: 'b2', inputs: [PAIR[0]] },
    "[request id: b2] expected 2 inputs but got 1 inputs for model 'add_sub'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
  ),
  refusal(
    'input twice',
    { ...ADD_SUB, inputs: [PAIR[0], PAIR[0]] },
    `${NO_ID}input 'INPUT0' already exists in request`,
  ),
  refusal(
    'input of another name',
    { ...ADD_SUB, inputs: [PAIR[0], int32('X', [1, 2], [1, 2])] },
    "unexpected inference input 'X' for model 'add_sub'",
  ),
  refusal(
    'batch over the limit',
    { ...ADD_SUB, inputs: PAIR.map(({ name }) => int32(name, [9, 2], new Array(18).fill(0))) },
    `${NO_ID}inference request batch-size must be <= 8 for 'add_sub'`,
  ),
  refusal(
    'batches that differ',
    { ...ADD_SUB, inputs: [PAIR[0], int32('INPUT1', [2, 2], [1, 2, 3, 4])] },
    `${NO_ID}input 'INPUT0' batch size does not match other inputs for 'add_sub'`,
  ),
  refusal(
    'another data type',
    { model: 'vector', inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1], values: [1] }] },
    `${NO_ID}inference input 'INPUT0' data-type is 'FP32', but model 'vector' expects 'INT32'`,
  ),
  refusal(
    'another rank',
    { model: 'vector', inputs: [int32('INPUT0', [1, 2], [1, 2])] },
    `${NO_ID}unexpected shape for input 'INPUT0' for model 'vector'. Expected [-1], got [1,2]. `,
  ),
  {
    name: 'fewer bytes than the shape says',
    request: { model: 'vector', inputs: [int32('INPUT0', [3], [1, 2])] },
    answer: {
      code: 'INVALID_ARG',
      message: `${NO_ID}input byte size mismatch for input 'INPUT0' for model 'vector'. Expected 12, got 8`,
    },
    routes: [...BYTES_ROUTES, 'gRPC, typed'],
  },
  refusal(
    'a model that fails',
    { model: 'broken', inputs: [int32('INPUT0', [1, 1], [1])] },
    'the toy model failed',
    'INTERNAL',
  ),
  refusal(
    'a sequence id that is too long',
    { ...ADD_SUB, parameters: { sequence_id: 'x'.repeat(129) } },
    'string correlation ID cannot be longer than 128 characters',
    'UNSUPPORTED',
  ),
];
