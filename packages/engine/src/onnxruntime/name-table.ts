import { addressOf } from './api.ts';

/** Names as C strings in one block of memory. */
export class NameTable {
  /** Address of each name. */
  readonly addresses: readonly bigint[];
  /** Referenced so that the addresses stay valid. */
  readonly #memory: Uint8Array;

  constructor(names: readonly string[]) {
    const encoded = names.map((name) => Buffer.from(`${name}\0`));
    this.#memory = new Uint8Array(Buffer.concat(encoded));
    let address = addressOf(this.#memory);
    this.addresses = encoded.map(({ byteLength }) => {
      const start = address;
      address += byteLength;
      return BigInt(start);
    });
  }
}
