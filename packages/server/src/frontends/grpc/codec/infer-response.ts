import type { Tensor } from '@nereid/protocol';
import type { ParameterValue } from '../../../inference/index.ts';
import { type EncodedMessage, PREFIX_BYTES, writePrefix } from '../transport/encoded-message.ts';
import { LENGTH_DELIMITED } from './proto-reader.ts';
import { ProtoWriter, varintLength, writeVarint } from './proto-writer.ts';

/** What a `ModelInferResponse` says. */
export interface InferResponseMessage {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly outputs: readonly Tensor[];
  /** Outputs that stand in shared memory: their contents are empty on the wire. */
  readonly elsewhere?: ((name: string) => boolean) | undefined;
  /** The `triton_final_response` parameter; undefined: there is none. */
  readonly finalResponse?: boolean | undefined;
}

/** Contents up to this size are copied into one buffer with the rest; larger ones go out as they are. */
const COPY_BYTES = 65_536;
const WRITER_BYTES = 4096;
const RAW_CONTENTS_TAG = (6 << 3) | LENGTH_DELIMITED;
const INFER_RESPONSE_TAG = (2 << 3) | LENGTH_DELIMITED;
const FINAL_RESPONSE = 'triton_final_response';
const NO_BYTES = new Uint8Array(0);

/** Writes answers to inference requests straight onto the wire, one at a time. */
export class InferResponseEncoder {
  readonly #writer = new ProtoWriter(WRITER_BYTES);

  /** `ModelInferResponse` with contents as raw bytes. */
  response(response: InferResponseMessage): EncodedMessage {
    this.#writeHead(response);
    return this.#assemble(response, false);
  }

  /** `ModelStreamInferResponse` that holds a response. */
  streamResponse(response: InferResponseMessage): EncodedMessage {
    this.#writeHead(response);
    return this.#assemble(response, true);
  }

  /** `ModelStreamInferResponse` that holds an error, and what says whose it is. */
  streamError(message: string, about: InferResponseMessage): EncodedMessage {
    const writer = this.#writer;
    writer.length = 0;
    writer.string(1, message);
    const start = writer.begin(2);
    this.#writeFields(about);
    writer.end(start);
    const bytes = Buffer.allocUnsafe(PREFIX_BYTES + writer.length);
    writePrefix(bytes, writer.length);
    writer.copyTo(bytes, PREFIX_BYTES);
    return { parts: [bytes], byteLength: bytes.length };
  }

  #writeHead(response: InferResponseMessage): void {
    this.#writer.length = 0;
    this.#writeFields(response);
  }

  #writeFields({ modelName, modelVersion, id, parameters, outputs, finalResponse }: InferResponseMessage): void {
    const writer = this.#writer;
    writer.string(1, modelName);
    writer.string(2, modelVersion);
    writer.string(3, id);
    for (const [name, value] of parameters) this.#writeParameter(name, value);
    if (finalResponse !== undefined) this.#writeParameter(FINAL_RESPONSE, finalResponse);
    for (const tensor of outputs) this.#writeOutput(tensor);
  }

  /** Whole numbers are int64, as in Triton; others are doubles. */
  #writeParameter(name: string, value: ParameterValue): void {
    const writer = this.#writer;
    const entry = writer.begin(4);
    writer.presentString(1, name);
    const start = writer.begin(2);
    if (typeof value === 'boolean') writer.bool(1, value);
    else if (typeof value === 'string') writer.presentString(3, value);
    else if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
      writer.tag(2, 0);
      writer.int64(value);
    } else writer.double(4, value);
    writer.end(start);
    writer.end(entry);
  }

  #writeOutput({ name, dataType, shape }: Tensor): void {
    const writer = this.#writer;
    const start = writer.begin(5);
    writer.string(1, name);
    writer.string(2, dataType);
    if (shape.length > 0) {
      const run = writer.begin(3);
      for (const dim of shape) writer.int64(dim);
      writer.end(run);
    }
    writer.end(start);
  }

  /** Head and contents together, behind the prefix; contents that are large stay where they are. */
  #assemble({ outputs, elsewhere }: InferResponseMessage, streamed: boolean): EncodedMessage {
    const headLength = this.#writer.length;
    const contents = outputs.map(({ name, data }) => (elsewhere?.(name) ? NO_BYTES : data));
    let innerLength = headLength;
    let copiedLength = headLength;
    for (const { byteLength } of contents) {
      const fieldBytes = 1 + varintLength(byteLength);
      innerLength += fieldBytes + byteLength;
      copiedLength += fieldBytes + (byteLength <= COPY_BYTES ? byteLength : 0);
    }
    const wrapperBytes = streamed ? 1 + varintLength(innerLength) : 0;
    const messageLength = wrapperBytes + innerLength;
    const buffer = Buffer.allocUnsafe(PREFIX_BYTES + wrapperBytes + copiedLength);
    writePrefix(buffer, messageLength);
    let offset = PREFIX_BYTES;
    if (streamed) {
      buffer[offset++] = INFER_RESPONSE_TAG;
      offset = writeVarint(buffer, offset, innerLength);
    }
    this.#writer.copyTo(buffer, offset);
    const parts = placeContents(buffer, offset + headLength, contents);
    return { parts, byteLength: PREFIX_BYTES + messageLength };
  }
}

function placeContents(buffer: Buffer, start: number, contents: readonly Uint8Array[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let offset = start;
  let partStart = 0;
  for (const data of contents) {
    buffer[offset++] = RAW_CONTENTS_TAG;
    offset = writeVarint(buffer, offset, data.byteLength);
    if (data.byteLength <= COPY_BYTES) {
      buffer.set(data, offset);
      offset += data.byteLength;
    } else {
      parts.push(buffer.subarray(partStart, offset), data);
      partStart = offset;
    }
  }
  if (partStart < offset) parts.push(buffer.subarray(partStart, offset));
  return parts;
}
