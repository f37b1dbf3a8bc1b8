import { InferenceServerError } from '../errors/index.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const INITIAL_BYTES = 4096;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Data of server-sent events (WHATWG HTML, "server-sent events"), one after another; other fields and comments are passed over. Throws
 * InferenceServerError RESOURCE_EXHAUSTED for an event of more than `maxBytes`.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  const lines = new LineSplitter(maxBytes);
  let data: string[] = [];
  let size = 0;
  for await (const chunk of body) {
    for (const line of lines.push(chunk)) {
      if (line === '' && data.length > 0) {
        yield encoder.encode(data.join('\n'));
        data = [];
        size = 0;
      } else if (line.startsWith('data:')) {
        const value = line.slice(line[5] === ' ' ? 6 : 5);
        size += value.length;
        if (size > maxBytes) throw tooLong(maxBytes);
        data.push(value);
      }
    }
  }
}

/** Lines of a byte stream; they end with LF, CR or both. */
class LineSplitter {
  readonly #maxBytes: number;
  #line = new Uint8Array(INITIAL_BYTES);
  #length = 0;
  #afterReturn = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Uint8Array): Generator<string> {
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
        this.#afterReturn = false;
        continue;
      }
      const ended = byte === LINE_FEED && this.#afterReturn;
      this.#afterReturn = byte === CARRIAGE_RETURN;
      if (!ended) {
        this.#append(chunk.subarray(start, index));
        yield decoder.decode(this.#line.subarray(0, this.#length));
        this.#length = 0;
      }
      start = index + 1;
    }
    this.#append(chunk.subarray(start));
  }

  #append(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed > this.#maxBytes) throw tooLong(this.#maxBytes);
    if (needed > this.#line.length) {
      const larger = new Uint8Array(Math.max(needed, this.#line.length * 2));
      larger.set(this.#line.subarray(0, this.#length));
      this.#line = larger;
    }
    this.#line.set(part, this.#length);
    this.#length = needed;
  }
}

function tooLong(maxBytes: number): InferenceServerError {
  return new InferenceServerError('RESOURCE_EXHAUSTED', `an event of the stream has more than ${maxBytes} bytes`);
}
