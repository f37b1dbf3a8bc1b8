/** A message with its gRPC prefix, in the pieces in which it goes out. */
export interface EncodedMessage {
  readonly parts: readonly Uint8Array[];
  /** Of all pieces together. */
  readonly byteLength: number;
}

/** Bytes in front of every gRPC message: a flag and the length. */
export const PREFIX_BYTES = 5;

/** Writes flag 0 (not compressed) and the length. */
export function writePrefix(target: Buffer, byteLength: number): void {
  target[0] = 0;
  target.writeUInt32BE(byteLength, 1);
}

/** Puts the prefix in front of a message. */
export function frameMessage(message: Uint8Array): EncodedMessage {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.byteLength);
  writePrefix(framed, message.byteLength);
  framed.set(message, PREFIX_BYTES);
  return { parts: [framed], byteLength: framed.length };
}
