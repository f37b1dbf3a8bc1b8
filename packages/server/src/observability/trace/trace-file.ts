import { type FileHandle, open, writeFile } from 'node:fs/promises';

/**
 * A file of traces, a JSON array that is complete after every write. Beside it lie `<path>.0`, `<path>.1`, … with traces that belong
 * together. Writes follow one another; the first to the file itself empties it.
 */
export class TraceFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  /** Where the closing bracket stands. */
  #end = 0;
  #nextIndex = 0;
  #last: Promise<void> = Promise.resolve();
  readonly #failed: (error: unknown) => void;

  /** `failed`: told of writes that the file system refuses. */
  constructor(path: string, failed: (error: unknown) => void) {
    this.#path = path;
    this.#failed = failed;
  }

  /** Adds traces to the file. */
  append(traces: string): void {
    this.#queue(async () => {
      this.#handle ??= await open(this.#path, 'w');
      const bytes = Buffer.from(`${this.#end === 0 ? '[' : ','}${traces}]`);
      await this.#handle.write(bytes, 0, bytes.length, this.#end);
      this.#end += bytes.length - 1;
    });
  }

  /** Writes traces to the next file with a number. */
  writeIndexed(traces: string): void {
    const path = `${this.#path}.${this.#nextIndex++}`;
    this.#queue(() => writeFile(path, `[${traces}]`));
  }

  /** Settles when everything is written. */
  async close(): Promise<void> {
    await this.#last;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #queue(write: () => Promise<void>): void {
    this.#last = this.#last.then(write).catch(this.#failed);
  }
}
