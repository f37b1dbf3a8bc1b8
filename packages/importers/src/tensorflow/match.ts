import { WIRE_BYTES, WireError, WireReader } from '@nereid/onnx/wire';

/** Bytes of a file that `matchGraphDef` wants to see. */
export const MATCH_BYTES = 4096;

/**
 * True when a file that starts with `head` is a GraphDef. The format has no magic number; its first field is a node, whose fields are text:
 * name, then operation. An ONNX model and a SavedModel start with a version number instead.
 */
export function matchGraphDef(head: Uint8Array): boolean {
  const reader = new WireReader(head);
  try {
    if (!reader.tag() || reader.field !== 1 || reader.wireType !== WIRE_BYTES) return false;
    // The node may be longer than what there is of the file, so its length is not looked at.
    reader.uint32();
    const name = field(reader, 1);
    const op = field(reader, 2);
    return (
      name !== undefined && op !== undefined && /^[\w.\\/>-]+$/.test(name) && /^_?[A-Za-z][A-Za-z0-9_>]*$/.test(op)
    );
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function field(reader: WireReader, number: number): string | undefined {
  if (!reader.tag() || reader.field !== number || reader.wireType !== WIRE_BYTES) return undefined;
  return reader.string();
}
