import { MAX_PROTOBUF_BYTES } from '../limits.ts';
import type { Model, ModelFunction } from '../model.ts';
import { OnnxError } from '../onnx-error.ts';
import { concatenate, WireWriter } from '../wire/index.ts';
import { writeAttribute } from './attribute.ts';
import { writeGraph, writeNode } from './graph.ts';
import { writeStringMapEntry } from './tensor.ts';

/**
 * A model (ModelProto) as the pieces of its file, in order. Weights are the tensors' own memory, so that writing 90 MB of them copies
 * nothing. Throws OnnxError `limit` beyond 2 GB, which no reader of protobuf accepts.
 */
export function encodeModel(model: Model): readonly Uint8Array[] {
  const writer = new WireWriter();
  writer.int64(1, model.irVersion);
  if (model.producerName !== '') writer.string(2, model.producerName);
  if (model.producerVersion !== '') writer.string(3, model.producerVersion);
  writer.message(7, (nested) => writeGraph(nested, model.graph));
  writeOpsetImports(writer, 8, model.opsetImports);
  for (const [key, value] of model.metadata) writer.message(14, (nested) => writeStringMapEntry(nested, key, value));
  for (const definition of model.functions) writer.message(25, (nested) => writeFunction(nested, definition));
  if (writer.byteLength > MAX_PROTOBUF_BYTES) {
    throw new OnnxError(
      'limit',
      `write ONNX model: ${writer.byteLength} bytes exceed the limit of ${MAX_PROTOBUF_BYTES}`,
    );
  }
  return writer.chunks();
}

/** A model as one buffer: the weights are copied once. */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  return concatenate(encodeModel(model));
}

/** FunctionProto. */
function writeFunction(writer: WireWriter, definition: ModelFunction): void {
  writer.string(1, definition.name);
  for (const input of definition.inputs) writer.string(4, input);
  for (const output of definition.outputs) writer.string(5, output);
  for (const name of definition.attributeNames) writer.string(6, name);
  for (const node of definition.nodes) writer.message(7, (nested) => writeNode(nested, node));
  writeOpsetImports(writer, 9, definition.opsetImports);
  writer.string(10, definition.domain);
  for (const [name, attribute] of definition.attributeDefaults) {
    writer.message(11, (nested) => writeAttribute(nested, name, attribute));
  }
}

function writeOpsetImports(writer: WireWriter, field: number, imports: ReadonlyMap<string, number>): void {
  for (const [domain, version] of imports) {
    writer.message(field, (nested) => {
      nested.string(1, domain);
      nested.int64(2, version);
    });
  }
}
