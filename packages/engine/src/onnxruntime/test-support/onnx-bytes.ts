/** Writes the few ONNX messages that tests need, so that they depend on no reader or writer of ours. Field numbers: `onnx.proto`. */

type Bytes = readonly number[] | Uint8Array;

function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

export function field(number: number, value: number | bigint | string | Bytes): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint')
    return Buffer.from([...varint(number * 8), ...varint(value)]);
  const contents = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(contents.byteLength)]), contents]);
}

export function message(...fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat(fields);
}

export interface TensorSpec {
  readonly name: string;
  /** `TensorProto.DataType` */
  readonly type: number;
  /** A string is a symbolic dimension, '' one without a name. */
  readonly dims: readonly (number | string)[];
}

export const TYPE = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  BFLOAT16: 16,
} as const;

function valueInfo({ name, type, dims }: TensorSpec): Buffer {
  const shape = message(
    ...dims.map((dim) => field(1, typeof dim === 'number' ? field(1, dim) : dim === '' ? [] : field(2, dim))),
  );
  return message(field(1, name), field(2, field(1, message(field(1, type), field(2, shape)))));
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Uint8Array[] = [],
): Buffer {
  return message(
    ...inputs.map((input) => field(1, input)),
    ...outputs.map((output) => field(2, output)),
    field(3, `${op}_${outputs[0]}`),
    field(4, op),
    ...attributes.map((attribute) => field(5, attribute)),
  );
}

/** A `TensorProto` with raw data. */
export function tensor(name: string, type: number, dims: readonly number[], raw: Uint8Array): Buffer {
  return message(...dims.map((dim) => field(1, dim)), field(2, type), field(8, name), field(9, raw));
}

/** A `TensorProto` whose data is in another file. */
export function externalTensor(
  name: string,
  type: number,
  dims: readonly number[],
  entries: Readonly<Record<string, string>>,
): Buffer {
  return message(
    ...dims.map((dim) => field(1, dim)),
    field(2, type),
    field(8, name),
    ...Object.entries(entries).map(([key, value]) => field(13, message(field(1, key), field(2, value)))),
    field(14, 1),
  );
}

export interface GraphSpec {
  readonly nodes: readonly Uint8Array[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly initializers?: readonly Uint8Array[];
  readonly sparseInitializers?: readonly Uint8Array[];
}

export function graph(spec: GraphSpec): Buffer {
  return message(
    ...spec.nodes.map((bytes) => field(1, bytes)),
    field(2, 'test'),
    ...(spec.initializers ?? []).map((bytes) => field(5, bytes)),
    ...spec.inputs.map((info) => field(11, valueInfo(info))),
    ...spec.outputs.map((info) => field(12, valueInfo(info))),
    ...(spec.sparseInitializers ?? []).map((bytes) => field(15, bytes)),
  );
}

export function model(spec: GraphSpec): Buffer {
  return message(field(1, 8), field(8, message(field(1, ''), field(2, 17))), field(7, graph(spec)));
}

/** OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, each of `dims`; the outputs may be declared otherwise. */
export function addSubModel(
  dims: readonly (number | string)[] = ['batch', 16],
  type: number = TYPE.INT32,
  outputDims: readonly (number | string)[] = dims,
): Buffer {
  return model({
    nodes: [node('Add', ['INPUT0', 'INPUT1'], ['OUTPUT0']), node('Sub', ['INPUT0', 'INPUT1'], ['OUTPUT1'])],
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, type, dims })),
    outputs: ['OUTPUT0', 'OUTPUT1'].map((name) => ({ name, type, dims: outputDims })),
  });
}

/** OUTPUT0 = INPUT0, of any type. */
export function identityModel(type: number, dims: readonly (number | string)[]): Buffer {
  return model({
    nodes: [node('Identity', ['INPUT0'], ['OUTPUT0'])],
    inputs: [{ name: 'INPUT0', type, dims }],
    outputs: [{ name: 'OUTPUT0', type, dims }],
  });
}
