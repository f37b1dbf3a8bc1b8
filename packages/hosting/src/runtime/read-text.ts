import type { UpstreamAnswer } from './upstream-answer.ts';

const MAX_TEXT_BYTES = 16 * 1024;

/** A container's error text; undefined when it is longer than an error message may be, is no UTF-8, or breaks off. */
export async function readText(answer: UpstreamAnswer): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.body() as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_TEXT_BYTES) {
        answer.discard();
        return undefined;
      }
      chunks.push(chunk);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}
