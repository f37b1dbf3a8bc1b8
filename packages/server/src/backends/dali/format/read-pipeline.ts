import { type Argument, type InputOutput, type OpDef, type PipelineDef, PipelineFormatError } from './pipeline-def.ts';
import { WIRE_BYTES, WIRE_FIXED32, WIRE_VARINT, WireReader } from './wire-reader.ts';

/** Limits of one `model.dali`; far above real files (a kilobyte to a few megabytes of constants). */
export const PIPELINE_LIMITS = {
  maxBytes: 256 * 1024 * 1024,
  maxOps: 10_000,
  maxIosPerOp: 1_000,
  maxArgsPerOp: 1_000,
  maxElements: 16 * 1024 * 1024,
  maxArgumentDepth: 4,
} as const;

/** Elements read so far: a bound on memory that many small messages cannot get around. */
interface Budget {
  elements: number;
}

/**
 * Reads a serialised pipeline: packed and unpacked repeated fields, unknown fields skipped, defaults of the schema filled in.
 * Throws PipelineFormatError naming what is wrong and the byte offset.
 */
export function readPipeline(bytes: Uint8Array): PipelineDef {
  if (bytes.length > PIPELINE_LIMITS.maxBytes) {
    throw new PipelineFormatError(0, `file of ${bytes.length} bytes exceeds ${PIPELINE_LIMITS.maxBytes} bytes`);
  }
  const reader = new WireReader(bytes);
  const budget: Budget = { elements: 0 };
  let numThreads = 4n;
  let batchSize: number | undefined;
  let deviceId = 0;
  let seed = -1n;
  const ops: OpDef[] = [];
  const externalInputs: string[] = [];
  const outputs: InputOutput[] = [];
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === WIRE_VARINT) numThreads = reader.int64();
    else if (field === 2 && wire === WIRE_VARINT) batchSize = reader.int32();
    else if (field === 5 && wire === WIRE_BYTES)
      add(ops, readOp(reader.message(), budget), PIPELINE_LIMITS.maxOps, reader, 'operators');
    else if (field === 6 && wire === WIRE_BYTES)
      add(externalInputs, reader.string(), PIPELINE_LIMITS.maxOps, reader, 'inputs');
    else if (field === 7 && wire === WIRE_BYTES)
      add(outputs, readInputOutput(reader.message()), PIPELINE_LIMITS.maxOps, reader, 'outputs');
    else if (field === 8 && wire === WIRE_VARINT) deviceId = reader.int32();
    else if (field === 9 && wire === WIRE_VARINT) seed = reader.int64();
    else reader.skip(wire);
  }
  if (batchSize === undefined) throw reader.fail('required field batch_size is missing');
  return { numThreads: clampInt(numThreads), batchSize, deviceId, seed, ops, externalInputs, outputs };
}

function readOp(reader: WireReader, budget: Budget): OpDef {
  let name: string | undefined;
  let instanceName = '';
  let logicalId = -1;
  const inputs: InputOutput[] = [];
  const outputs: InputOutput[] = [];
  const args: Argument[] = [];
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === WIRE_BYTES) name = reader.string();
    else if (field === 2 && wire === WIRE_BYTES)
      add(inputs, readInputOutput(reader.message()), PIPELINE_LIMITS.maxIosPerOp, reader, 'inputs of an operator');
    else if (field === 3 && wire === WIRE_BYTES)
      add(outputs, readInputOutput(reader.message()), PIPELINE_LIMITS.maxIosPerOp, reader, 'outputs of an operator');
    else if (field === 4 && wire === WIRE_BYTES)
      add(
        args,
        readArgument(reader.message(), budget, 0),
        PIPELINE_LIMITS.maxArgsPerOp,
        reader,
        'arguments of an operator',
      );
    else if (field === 5 && wire === WIRE_BYTES) instanceName = reader.string();
    else if (field === 6 && wire === WIRE_VARINT) logicalId = reader.int32();
    else reader.skip(wire);
  }
  if (name === undefined) throw reader.fail('operator without the required field name');
  return { name, inputs, outputs, args, instanceName, logicalId };
}

function readInputOutput(reader: WireReader): InputOutput {
  let name: string | undefined;
  let device: string | undefined;
  let isArgumentInput = false;
  let argName = '';
  let dtype = -1;
  let ndim = -1;
  let layout = '';
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === WIRE_BYTES) name = reader.string();
    else if (field === 2 && wire === WIRE_BYTES) device = reader.string();
    else if (field === 3 && wire === WIRE_VARINT) isArgumentInput = reader.bool();
    else if (field === 4 && wire === WIRE_BYTES) argName = reader.string();
    else if (field === 5 && wire === WIRE_VARINT) dtype = reader.int32();
    else if (field === 6 && wire === WIRE_VARINT) ndim = reader.int32();
    else if (field === 7 && wire === WIRE_BYTES) layout = reader.string();
    else reader.skip(wire);
  }
  if (name === undefined) throw reader.fail('tensor without the required field name');
  if (device === undefined) throw reader.fail(`tensor "${name}" without the required field device`);
  return { name, device, isArgumentInput, argName, dtype, ndim, layout };
}

function readArgument(reader: WireReader, budget: Budget, depth: number): Argument {
  if (depth > PIPELINE_LIMITS.maxArgumentDepth)
    throw reader.fail(`arguments nested deeper than ${PIPELINE_LIMITS.maxArgumentDepth}`);
  countElement(reader, budget);
  let name: string | undefined;
  let type = '';
  let isVector: boolean | undefined;
  const floats: number[] = [];
  const ints: bigint[] = [];
  const strings: string[] = [];
  const bools: boolean[] = [];
  const extraArgs: Argument[] = [];
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === WIRE_BYTES) name = reader.string();
    else if (field === 2 && wire === WIRE_BYTES) type = reader.string();
    else if (field === 3) repeated(reader, wire, WIRE_FIXED32, budget, (from) => floats.push(from.float()));
    else if (field === 4) repeated(reader, wire, WIRE_VARINT, budget, (from) => ints.push(from.int64()));
    else if (field === 5 && wire === WIRE_BYTES) {
      countElement(reader, budget);
      strings.push(reader.string());
    } else if (field === 6) repeated(reader, wire, WIRE_VARINT, budget, (from) => bools.push(from.bool()));
    else if (field === 7 && wire === WIRE_BYTES) extraArgs.push(readArgument(reader.message(), budget, depth + 1));
    else if (field === 8 && wire === WIRE_VARINT) isVector = reader.bool();
    else reader.skip(wire);
  }
  if (name === undefined) throw reader.fail('argument without the required field name');
  return { name, type, floats, ints, strings, bools, extraArgs, isVector: isVector ?? extraArgs.length > 0 };
}

/** A repeated scalar: one element (proto2's own form), or a packed run of them. */
function repeated(
  reader: WireReader,
  wire: number,
  elementWire: number,
  budget: Budget,
  push: (from: WireReader) => void,
): void {
  if (wire === elementWire) {
    countElement(reader, budget);
    push(reader);
  } else if (wire === WIRE_BYTES) {
    const packed = reader.message();
    while (!packed.done) {
      countElement(packed, budget);
      push(packed);
    }
  } else reader.skip(wire);
}

function countElement(reader: WireReader, budget: Budget): void {
  budget.elements += 1;
  if (budget.elements > PIPELINE_LIMITS.maxElements)
    throw reader.fail(`more than ${PIPELINE_LIMITS.maxElements} argument elements`);
}

function add<T>(list: T[], item: T, limit: number, reader: WireReader, what: string): void {
  if (list.length >= limit) throw reader.fail(`more than ${limit} ${what}`);
  list.push(item);
}

function clampInt(value: bigint): number {
  if (value > 0x7fffffffn) return 0x7fffffff;
  return value < -0x80000000n ? -0x80000000 : Number(value);
}
