import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type EngineTensor, OnnxRuntime } from '@nereid/engine';
import { writeModel } from '@nereid/onnx';
import { type DataType, dataTypeFor } from '../data-type.ts';
import { decodeGraphDef } from '../decode.ts';
import { encodeGraphDef } from '../encode.ts';
import type { GraphDef } from '../graph-def.ts';
import { type ImportedModel, importGraphDef } from '../import-graph-def.ts';
import type { TestGraph } from './graph.ts';
import { bytesOf, type TestTensor, valuesOf } from './tensors.ts';
import { type OracleResult, oracleType, runOracle } from './tfjs-oracle.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
after(() => runtime.close());

/** How far two floats may be apart: |a - b| <= absolute + relative * |b|. The reason is for the reader. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
  readonly reason: string;
}

/** The same real operations in the same type, in another order or with fused steps. */
export const ROUNDING: Tolerance = {
  absolute: 5e-6,
  relative: 1e-5,
  reason: 'float32 sums of up to a hundred products of about 4, in another order',
};

export interface Comparison {
  readonly graph: TestGraph;
  readonly feeds?: Readonly<Record<string, TestTensor>>;
  /** Default `y`. */
  readonly outputs?: readonly string[];
  readonly tolerance?: Tolerance;
  /** What TensorFlow gives, where TensorFlow.js has no such operation or gives something else; by output. */
  readonly expected?: readonly TestTensor[];
  /** The type of each output, where it is not what the oracle's type says (a 64-bit integer, a half). */
  readonly types?: readonly DataType[];
}

/**
 * Runs a graph as ONNX in ONNX Runtime and as it is in TensorFlow.js, and compares number, names, types, shapes and values of the outputs. Also
 * checks that what the importer said of the outputs' shapes is so. Resolves to what the importer made.
 */
export async function compare(comparison: Comparison): Promise<ImportedModel> {
  const { graph, feeds = {}, outputs = ['y'], tolerance = ROUNDING } = comparison;
  const graphDef = decodeGraphDef(encodeGraphDef(graph.build()));
  const fed = new Map(Object.entries(feeds));
  const imported = importGraphDef(graphDef, { outputs });
  const actual = await runOnnx(imported, fed);
  assert.deepEqual(
    actual.map((result) => result.name),
    outputs,
  );
  const expected = comparison.expected?.map(asOracle) ?? (await runOracle(graphDef, fed, outputs));
  assert.equal(actual.length, expected.length);
  for (const [index, result] of actual.entries()) {
    const reference = expected[index] as OracleResult;
    const name = outputs[index] as string;
    assert.equal(oracleType(result.type), reference.dtype, `${name}: type`);
    const type = comparison.types?.[index] ?? comparison.expected?.[index]?.type;
    if (type !== undefined) assert.equal(result.type, type, `${name}: type`);
    assert.deepEqual(result.shape, reference.shape, `${name}: shape`);
    assertClose(result.values, reference.values, tolerance, name);
  }
  return imported;
}

function asOracle(value: TestTensor): OracleResult {
  return { dtype: oracleType(value.type), shape: value.shape, values: value.values };
}

interface OnnxResult extends TestTensor {
  readonly name: string;
}

/** Runs what was imported on ONNX Runtime. */
export async function runOnnx(imported: ImportedModel, feeds: ReadonlyMap<string, TestTensor>): Promise<OnnxResult[]> {
  const session = await runtime.load(writeModel(imported.model));
  try {
    const inputs = session.inputs.map((info, input) => {
      const value = feeds.get(info.name);
      if (value === undefined) throw new Error(`the graph has an input '${info.name}' that is not fed`);
      if (info.dataType === undefined) throw new Error(`input '${info.name}' is no tensor of the protocol`);
      return { input, dataType: info.dataType, shape: value.shape, data: bytesOf(value) };
    });
    const pending = session.run(inputs);
    const results = 'result' in pending ? await pending.result : pending;
    return results.map((result, index) => onnxResult(imported, result, index));
  } finally {
    await session.release();
  }
}

function onnxResult(imported: ImportedModel, result: EngineTensor, index: number): OnnxResult {
  const declared = imported.report.outputs[index];
  assert.ok(declared !== undefined);
  if (declared.shape !== undefined) {
    const isSo =
      declared.shape.length === result.shape.length &&
      declared.shape.every((size, axis) => size === -1 || size === result.shape[axis]);
    assert.ok(isSo, `${declared.name}: shape [${result.shape}], the importer said [${declared.shape}]`);
  }
  const type = dataTypeFor(declared.elementType as Parameters<typeof dataTypeFor>[0]);
  assert.ok(type !== undefined);
  return { name: declared.name, type, shape: result.shape, values: valuesOf(type, result.data) };
}

export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: Tolerance,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: number of elements`);
  for (const [index, value] of actual.entries()) {
    const reference = expected[index] as number;
    const isSame =
      Object.is(value, reference) ||
      value === reference ||
      (Number.isNaN(value) && Number.isNaN(reference)) ||
      Math.abs(value - reference) <= tolerance.absolute + tolerance.relative * Math.abs(reference);
    assert.ok(isSame, `${what}[${index}] is ${value}, expected ${reference} (${tolerance.reason})`);
  }
}

/** What importing `graph` is refused with. */
export function importError(graph: TestGraph | GraphDef, outputs: readonly string[] = ['y']): unknown {
  const graphDef = 'nodes' in graph ? graph : graph.build();
  try {
    importGraphDef(graphDef, { outputs, modelName: 'm' });
  } catch (error) {
    return error;
  }
  return undefined;
}
