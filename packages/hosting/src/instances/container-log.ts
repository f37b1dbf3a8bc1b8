import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { dirname, join } from 'node:path';

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const TAIL_LINES = 60;
const MAX_LINE_CHARS = 2000;

/** A container's output: kept in a file (and one older file), its latest lines in memory. */
export class ContainerLog {
  readonly #path: string;
  readonly #tail: string[] = [];
  #file: WriteStream;
  #bytes: number;
  #partial = '';

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#file = this.#open();
  }

  write(chunk: Buffer): void {
    if (this.#bytes + chunk.length > MAX_FILE_BYTES) this.#rotate();
    this.#bytes += chunk.length;
    this.#file.write(chunk);
    const lines = (this.#partial + chunk.toString('utf8')).split('\n');
    this.#partial = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) this.#tail.push(line.slice(0, MAX_LINE_CHARS));
    if (this.#tail.length > TAIL_LINES) this.#tail.splice(0, this.#tail.length - TAIL_LINES);
  }

  tail(): readonly string[] {
    return this.#partial === '' ? [...this.#tail] : [...this.#tail, this.#partial];
  }

  close(): void {
    this.#file.end();
  }

  #open(): WriteStream {
    const file = createWriteStream(this.#path, { flags: 'a', mode: 0o600 });
    // A full disk must not end the host; the instance goes on without its log.
    file.on('error', () => undefined);
    return file;
  }

  #rotate(): void {
    this.#file.end();
    renameSync(this.#path, `${this.#path}.1`);
    this.#bytes = 0;
    this.#file = this.#open();
  }
}

const MAX_KEPT_LOGS = 30;

/** Removes all but the latest logs of a folder: an instance that crashes again and again must not fill the disk with them. */
export function pruneLogs(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logs = readdirSync(folder).map((name) => ({ name, modifiedMs: statSync(join(folder, name)).mtimeMs }));
  logs.sort((a, b) => b.modifiedMs - a.modifiedMs);
  for (const { name } of logs.slice(MAX_KEPT_LOGS)) rmSync(join(folder, name), { force: true });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal codes are what is removed
const CONTROL = /\u001b\[[0-9;]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** Triton's log lines of level E and F, and what other programs print when they give up. */
const TELLING =
  /^(?:[EF]\d{4}[ \d]|error\b|fatal\b|\w*Error\b|\w*Exception\b|Traceback)|\b(?:error|failed|cannot|unable)\b/i;

/** The lines of a log that say why a container gave up, as one text of at most `maxChars`. */
export function failureSummary(tail: readonly string[], maxChars: number): string {
  const clean = tail.map((line) => line.replace(CONTROL, '').trim()).filter((line) => line !== '');
  const telling = clean.filter((line) => TELLING.test(line) && !/^\s*at /.test(line));
  const chosen = telling.length > 0 ? telling.slice(0, 6) : clean.slice(-4);
  const text = [...new Set(chosen)].join(' | ');
  return text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
}
