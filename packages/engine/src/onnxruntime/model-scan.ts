/** A weight that an ONNX file keeps in another file (`TensorProto.external_data`). */
export interface ExternalTensor {
  /** '' when the tensor has no name. */
  readonly tensor: string;
  readonly location: string;
  /** Bytes from the start of the file; undefined where the model does not say. */
  readonly offset: number | undefined;
  readonly length: number | undefined;
}

/** The bytes are not an ONNX protobuf message. */
export class MalformedModelError extends Error {
  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.name = 'MalformedModelError';
  }
}

/** The protobuf library's own limit on nested messages. */
const MAX_DEPTH = 100;
const MAX_EXTERNAL_TENSORS = 1_000_000;

type MessageKind = 'model' | 'graph' | 'node' | 'attribute' | 'function' | 'training' | 'sparse';

/** Fields that lead to tensors, by message and field number. Source: `onnx.proto`. */
const CHILDREN: Readonly<Record<MessageKind, Readonly<Record<number, MessageKind | 'tensor'>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  sparse: { 1: 'tensor', 2: 'tensor' },
};

/**
 * Finds every tensor of an ONNX model that names an external file, wherever it stands: initialisers dense and sparse, attributes,
 * subgraphs, functions, training graphs. Weights are stepped over, not read. Throws MalformedModelError.
 *
 * It is a gate before the real parser, so it takes the stricter reading: every location counts, even one that a later field overrides.
 */
export function findExternalTensors(model: Uint8Array): ExternalTensor[] {
  const found: ExternalTensor[] = [];
  new ModelScanner(model, found).message('model', 0, model.byteLength, 0);
  return found;
}

class ModelScanner {
  readonly #bytes: Uint8Array;
  readonly #found: ExternalTensor[];
  #position = 0;

  constructor(bytes: Uint8Array, found: ExternalTensor[]) {
    this.#bytes = bytes;
    this.#found = found;
  }

  message(kind: MessageKind, start: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new MalformedModelError(`messages nested deeper than ${MAX_DEPTH}`, start);
    const children = CHILDREN[kind];
    this.#fields(start, end, (field, from, to) => {
      const child = children[field];
      if (child === undefined) return;
      if (child === 'tensor') this.#tensor(from, to);
      else this.message(child, from, to, depth + 1);
    });
  }

  #tensor(start: number, end: number): void {
    let name = '';
    const locations: string[] = [];
    const numbers = new Map<string, number>();
    this.#fields(start, end, (field, from, to) => {
      if (field === 8) name = this.#text(from, to);
      if (field === 13) this.#externalEntry(from, to, locations, numbers);
    });
    for (const location of locations) {
      if (this.#found.length >= MAX_EXTERNAL_TENSORS) throw new MalformedModelError('too many external tensors', start);
      this.#found.push({ tensor: name, location, offset: numbers.get('offset'), length: numbers.get('length') });
    }
  }

  #externalEntry(start: number, end: number, locations: string[], numbers: Map<string, number>): void {
    const keys: string[] = [];
    const values: string[] = [];
    this.#fields(start, end, (field, from, to) => {
      if (field === 1) keys.push(this.#text(from, to));
      if (field === 2) values.push(this.#text(from, to));
    });
    if (keys.includes('location')) locations.push(...(values.length > 0 ? values : ['']));
    for (const key of ['offset', 'length']) {
      if (keys.includes(key)) numbers.set(key, parseSize(values.at(-1) ?? ''));
    }
  }

  /** Visits the length-delimited fields of a message and steps over the others. */
  #fields(start: number, end: number, visit: (field: number, from: number, to: number) => void): void {
    this.#position = start;
    while (this.#position < end) {
      const at = this.#position;
      const tag = this.#varint(end);
      const field = Math.floor(tag / 8);
      if (field === 0 || tag > 0xffffffff) throw new MalformedModelError('bad field number', at);
      const next = this.#skipTo(tag % 8, end, at);
      if (tag % 8 === 2) visit(field, this.#position, next);
      this.#position = next;
    }
  }

  /** Where the field that starts at the current position ends; for a length-delimited one the position moves to its contents. */
  #skipTo(wireType: number, end: number, at: number): number {
    let next: number;
    if (wireType === 0) {
      this.#varint(end);
      next = this.#position;
    } else if (wireType === 1) next = this.#position + 8;
    else if (wireType === 5) next = this.#position + 4;
    else if (wireType === 2) {
      const length = this.#varint(end);
      next = this.#position + length;
    } else throw new MalformedModelError(`unsupported wire type ${wireType}`, at);
    if (next > end) throw new MalformedModelError('field runs past the end', at);
    return next;
  }

  #varint(end: number): number {
    const at = this.#position;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= end) throw new MalformedModelError('number runs past the end', at);
      const byte = this.#bytes[this.#position++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedModelError('number longer than ten bytes', at);
  }

  #text(start: number, end: number): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString('utf8');
  }
}

/** NaN for what is not a plain size; whoever checks the range refuses it then. */
function parseSize(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}
