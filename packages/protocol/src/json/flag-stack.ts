/** A stack of flags, one byte each: text can open millions of brackets. */
export class FlagStack {
  #flags = new Uint8Array(64);
  length = 0;

  get top(): boolean {
    return this.#flags[this.length - 1] === 1;
  }

  push(flag: boolean): void {
    if (this.length === this.#flags.length) {
      const grown = new Uint8Array(2 * this.length);
      grown.set(this.#flags);
      this.#flags = grown;
    }
    this.#flags[this.length++] = flag ? 1 : 0;
  }

  pop(): void {
    this.length--;
  }
}
