import type { Compression } from '../api/index.ts';

/** Packs the pieces of a body into one stream; `deflate` has zlib's frame, as HTTP means it. */
export async function compress(parts: readonly Uint8Array[], coding: Compression): Promise<Uint8Array[]> {
  const { readable, writable } = new CompressionStream(coding);
  const writer = writable.getWriter();
  const written = (async () => {
    for (const part of parts) await writer.write(part as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  const reader = readable.getReader();
  const packed: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    packed.push(value);
  }
  await written;
  return packed;
}
