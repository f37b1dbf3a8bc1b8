import { InferRequestDecoder } from '../infer/index.ts';
import type { WireInferRequest } from '../infer/request.ts';
import { StatusError } from '../status.ts';

export const MAX_INPUT_BYTES = 64 * 1024 * 1024;

export function createDecoder(maxInputBytes = MAX_INPUT_BYTES): InferRequestDecoder {
  return new InferRequestDecoder({
    maxInputBytes,
    sharedMemory: ({ region }) => {
      throw new StatusError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
    },
  });
}

/** Decodes a body whose JSON is `text`, with `binary` behind it. */
export function decode(
  text: string | Uint8Array,
  binary = new Uint8Array(0),
  maxInputBytes = MAX_INPUT_BYTES,
): WireInferRequest {
  const json = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const bytes = new Uint8Array(json.length + binary.length);
  bytes.set(json);
  bytes.set(binary, json.length);
  return createDecoder(maxInputBytes).decode({ bytes, jsonLength: json.length, modelName: 'm' });
}

/** The same in slices of `sliceBytes`. */
export function decodeSliced(text: string | Uint8Array, sliceBytes: number): WireInferRequest {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const decoding = createDecoder().begin({ bytes, jsonLength: bytes.length, modelName: 'm' });
  while (!decoding.run(sliceBytes));
  return decoding.result;
}

/** What `run` threw, as `<code>: <message>`; it has to be a StatusError. */
export function failureOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no failure';
}

/** A request with one input. */
export function oneInput(dataType: string, shape: readonly number[], data: string): string {
  return `{"inputs":[{"name":"IN","shape":[${shape.join()}],"datatype":"${dataType}","data":${data}}]}`;
}
