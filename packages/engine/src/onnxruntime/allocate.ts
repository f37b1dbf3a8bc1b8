/** Memory that is written before anybody sees it; large pieces are not zeroed. */
export function allocate(bytes: number): Uint8Array {
  return bytes < 4096 ? new Uint8Array(bytes) : new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
