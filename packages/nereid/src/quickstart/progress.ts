const TERMINAL_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 3_000;

/** Tells on the terminal what is being done and how long it took. Lines of a step that is over stay; a running one is shown with its seconds. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  readonly #now: () => number;

  constructor(out: NodeJS.WriteStream = process.stdout, now: () => number = Date.now) {
    this.#out = out;
    this.#now = now;
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`);
  }

  /** Runs `work` under a title. `work` may report how far it is ("12 of 25 MB"). */
  async step<Result>(title: string, work: (report: (state: string) => void) => Promise<Result>): Promise<Result> {
    const startMs = this.#now();
    let state = '';
    const seconds = () => `${((this.#now() - startMs) / 1000).toFixed(1)} s`;
    const line = () => `  … ${title}  ${[state, seconds()].filter(Boolean).join(', ')}`;
    // A terminal shows the time as it passes; a log file gets a line now and then, so that nobody takes a long step for dead.
    const timer = this.#out.isTTY
      ? setInterval(() => this.#out.write(`\r\u001b[K${line()}`), TERMINAL_INTERVAL_MS)
      : setInterval(() => this.line(line()), LOG_INTERVAL_MS);
    try {
      const result = await work((text) => {
        state = text;
      });
      this.#finish('✓', `${title}  ${seconds()}`);
      return result;
    } catch (error) {
      this.#finish('✗', `${title}  ${seconds()}`);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  #finish(mark: string, text: string): void {
    this.line(`${this.#out.isTTY ? '\r\u001b[K' : ''}  ${mark} ${text}`);
  }
}
