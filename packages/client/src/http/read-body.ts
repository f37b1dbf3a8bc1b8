import { InferenceServerError } from '../errors/index.ts';
import type { HttpResponse } from './transport.ts';

/** Typed arrays need their start at a multiple of the element size. */
const ALIGNMENT_BYTES = 8;
/** Room that is made on a server's word alone; more only as bytes come in. */
const MAX_TRUSTED_BYTES = 1 << 26;
const INITIAL_BYTES = 1 << 14;

interface ReadOptions {
  readonly maxBytes: number;
  /** Position in the body that is to be aligned in memory. Default 0. */
  readonly alignAt?: number;
}

/**
 * Reads a body into one piece of memory. Takes at most twice the memory of what came, whatever the headers claim.
 * Throws InferenceServerError RESOURCE_EXHAUSTED for a body beyond the limit, as soon as that is known.
 */
export async function readBody(response: HttpResponse, { maxBytes, alignAt = 0 }: ReadOptions): Promise<Uint8Array> {
  const claimed = claimedLength(response);
  if (claimed !== undefined && claimed > maxBytes) throw tooLarge(response, `${claimed}`, maxBytes);
  const shift = (ALIGNMENT_BYTES - (alignAt % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
  let memory = new Uint8Array(shift + Math.min(claimed ?? INITIAL_BYTES, MAX_TRUSTED_BYTES));
  let end = shift;
  for await (const chunk of response.body) {
    if (end - shift + chunk.byteLength > maxBytes) throw tooLarge(response, `more than ${maxBytes}`, maxBytes);
    if (end + chunk.byteLength > memory.byteLength) memory = grown(memory, end, end + chunk.byteLength, claimed, shift);
    memory.set(chunk, end);
    end += chunk.byteLength;
  }
  return memory.subarray(shift, end);
}

function grown(
  memory: Uint8Array,
  used: number,
  needed: number,
  claimed: number | undefined,
  shift: number,
): Uint8Array<ArrayBuffer> {
  const doubled = memory.byteLength * 2;
  const limit = claimed === undefined ? doubled : Math.min(doubled, claimed + shift);
  const larger = new Uint8Array(Math.max(needed, limit));
  larger.set(memory.subarray(0, used));
  return larger;
}

/** Length of the unpacked body; undefined where the headers do not tell. */
function claimedLength({ headers }: HttpResponse): number | undefined {
  const coding = headers.get('content-encoding');
  const text = headers.get('content-length');
  if (text === null || !/^\d+$/.test(text) || (coding !== null && coding !== 'identity')) return undefined;
  return Number(text);
}

function tooLarge(response: HttpResponse, size: string, maxBytes: number): InferenceServerError {
  response.cancel();
  return new InferenceServerError(
    'RESOURCE_EXHAUSTED',
    `the response has ${size} bytes, the limit is ${maxBytes} (maxResponseBytes)`,
    { status: response.status },
  );
}
