import type { Argument, InputOutput, OpDef, PipelineDef } from './pipeline-def.ts';
import { WireWriter } from './wire-writer.ts';

/** Serialises a pipeline as DALI does: fields ascending, repeated scalars not packed, required fields always present. */
export function writePipeline(pipeline: PipelineDef): Uint8Array {
  const writer = new WireWriter();
  writer.varint(1, pipeline.numThreads);
  writer.varint(2, pipeline.batchSize);
  for (const op of pipeline.ops) writer.message(5, (inner) => writeOp(inner, op));
  for (const name of pipeline.externalInputs) writer.string(6, name);
  for (const output of pipeline.outputs) writer.message(7, (inner) => writeInputOutput(inner, output));
  writer.varint(8, pipeline.deviceId);
  writer.varint(9, pipeline.seed);
  return writer.finish();
}

function writeOp(writer: WireWriter, op: OpDef): void {
  writer.string(1, op.name);
  for (const input of op.inputs) writer.message(2, (inner) => writeInputOutput(inner, input));
  for (const output of op.outputs) writer.message(3, (inner) => writeInputOutput(inner, output));
  for (const argument of op.args) writer.message(4, (inner) => writeArgument(inner, argument));
  writer.string(5, op.instanceName);
  if (op.logicalId >= 0) writer.varint(6, op.logicalId);
}

function writeInputOutput(writer: WireWriter, tensor: InputOutput): void {
  writer.string(1, tensor.name);
  writer.string(2, tensor.device);
  writer.varint(3, tensor.isArgumentInput);
  if (tensor.isArgumentInput) writer.string(4, tensor.argName);
  if (tensor.dtype >= 0) writer.varint(5, tensor.dtype);
  if (tensor.ndim >= 0) writer.varint(6, tensor.ndim);
  if (tensor.layout !== '') writer.string(7, tensor.layout);
}

function writeArgument(writer: WireWriter, argument: Argument): void {
  writer.string(1, argument.name);
  writer.string(2, argument.type);
  for (const value of argument.floats) writer.float(3, value);
  for (const value of argument.ints) writer.varint(4, value);
  for (const value of argument.strings) writer.string(5, value);
  for (const value of argument.bools) writer.varint(6, value);
  for (const extra of argument.extraArgs) writer.message(7, (inner) => writeArgument(inner, extra));
  writer.varint(8, argument.isVector);
}
