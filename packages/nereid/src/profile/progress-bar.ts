const WIDTH = 24;
/** A terminal that does not know its width says 0. */
const DEFAULT_COLUMNS = 80;

/** One line that says how far the work is. On a terminal it is rewritten in place; elsewhere each finished part gets a line. */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream;
  #total: number;
  #done = 0;

  constructor(total: number, out: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#out = out;
  }

  /** What is going on; `fraction` of the present part is done. */
  update(text: string, fraction: number): void {
    if (!this.#out.isTTY) return;
    const share = Math.min(1, (this.#done + fraction) / this.#total);
    const filled = Math.round(share * WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    const line = `${bar} ${this.#done}/${this.#total} ${text}`;
    this.#out.write(`\r\u001b[K${line.slice(0, (this.#out.columns || DEFAULT_COLUMNS) - 1)}`);
  }

  /** A part is done. */
  advance(text: string): void {
    this.#done++;
    // A search finds out on the way how much there is to do.
    this.#total = Math.max(this.#total, this.#done);
    if (this.#out.isTTY) this.update(text, 0);
    else this.#out.write(`${this.#done}/${this.#total} ${text}\n`);
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[K');
  }
}
