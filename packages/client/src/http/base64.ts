const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 61;
const decoder = new TextDecoder();

/** Bytes in base64 with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let end = 0;
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index;
    const word = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text[end++] = ALPHABET[word >>> 18]!;
    text[end++] = ALPHABET[(word >>> 12) & 63]!;
    text[end++] = left > 1 ? ALPHABET[(word >>> 6) & 63]! : PADDING;
    text[end++] = left > 2 ? ALPHABET[word & 63]! : PADDING;
  }
  return decoder.decode(text);
}
