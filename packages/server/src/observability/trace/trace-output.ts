import type { TraceSampler } from './sampler.ts';
import { TraceFile } from './trace-file.ts';

/** Text that waits longer than this, or is more than this, is written. */
const FLUSH_MS = 1000;
const FLUSH_LENGTH = 1024 * 1024;
/** Of traces that belong in a file of their own no more is held back. */
const MAX_HELD_LENGTH = 64 * 1024 * 1024;

interface Held {
  readonly texts: string[];
  length: number;
}

/** Brings traces into their files: together by count (`log_frequency`, or all that `trace_count` asked for), else into one as they come. */
export class TraceOutput {
  readonly #files = new Map<string, TraceFile>();
  readonly #held = new Map<TraceSampler, Held>();
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  add(sampler: TraceSampler, text: string): void {
    const held = this.#held.get(sampler) ?? { texts: [], length: 0 };
    held.texts.push(text);
    held.length += text.length;
    this.#held.set(sampler, held);
    sampler.collect();
    const { logFrequency, count, file } = sampler.settings;
    if (sampler.isComplete || (logFrequency > 0 && held.texts.length >= logFrequency)) {
      this.#fileOf(file).writeIndexed(held.texts.join(','));
      this.#held.delete(sampler);
      return;
    }
    const goesTogether = logFrequency > 0 || count >= 0;
    if (held.length > (goesTogether ? MAX_HELD_LENGTH : FLUSH_LENGTH)) this.flush(sampler);
    else if (!goesTogether) this.#timer ??= setTimeout(() => this.#flushOnTime(), FLUSH_MS).unref();
  }

  /** Writes what is held of a sampler that is not used any more. */
  flush(sampler: TraceSampler): void {
    const held = this.#held.get(sampler);
    if (held === undefined) return;
    this.#held.delete(sampler);
    const file = this.#fileOf(sampler.settings.file);
    const text = held.texts.join(',');
    if (sampler.settings.logFrequency > 0) file.writeIndexed(text);
    else file.append(text);
  }

  /** Writes everything; settles when it is written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const sampler of [...this.#held.keys()]) this.flush(sampler);
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }

  #flushOnTime(): void {
    this.#timer = undefined;
    for (const sampler of [...this.#held.keys()]) {
      const { logFrequency, count } = sampler.settings;
      if (logFrequency === 0 && count < 0) this.flush(sampler);
    }
  }

  #fileOf(path: string): TraceFile {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = new TraceFile(path, this.#failed);
      this.#files.set(path, file);
    }
    return file;
  }
}
