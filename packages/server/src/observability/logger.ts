import { closeSync, openSync, writeSync } from 'node:fs';
import type { Logger } from '../inference/index.ts';

export type LogFormat = 'default' | 'ISO8601';

/** Triton's log settings; each may change while the server runs. */
export interface LogSettings {
  readonly infoEnabled: boolean;
  readonly warningEnabled: boolean;
  readonly errorEnabled: boolean;
  /** Messages of a verbose level up to this one are written. */
  readonly verboseLevel: number;
  readonly format: LogFormat;
  /** '' is the standard error stream. */
  readonly file: string;
}

export const DEFAULT_LOG_SETTINGS: LogSettings = {
  infoEnabled: true,
  warningEnabled: true,
  errorEnabled: true,
  verboseLevel: 0,
  format: 'default',
  file: '',
};

export interface ServerLoggerOptions {
  readonly settings?: Partial<LogSettings>;
  /** Where lines go while no file is set; the standard error stream when not given. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly processId?: number;
  /** False with TRITON_SERVER_ESCAPE_LOG_MESSAGES=0: messages are written as they are, which lets a client forge lines. */
  readonly escapeMessages?: boolean;
}

type Severity = 'E' | 'W' | 'I' | 'V';

/**
 * Writes Triton's log lines: `I0920 12:34:56.123456 4711 model_lifecycle.cc:1] "message"`, or with ISO8601 `2024-09-20T12:34:56Z I 4711 …`.
 * The message is a JSON string, so line breaks and escape sequences in names and errors stay harmless. There are no source lines to name, the
 * line number is always 1.
 */
export class ServerLogger implements Logger {
  #settings: LogSettings;
  #descriptor: number | undefined;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #processId: number;
  readonly #escape: boolean;

  constructor(options: ServerLoggerOptions = {}) {
    this.#settings = DEFAULT_LOG_SETTINGS;
    this.#write = options.write ?? ((line) => process.stderr.write(line));
    this.#now = options.now ?? Date.now;
    this.#processId = options.processId ?? process.pid;
    this.#escape = options.escapeMessages ?? true;
    if (options.settings !== undefined) this.configure(options.settings);
  }

  get settings(): LogSettings {
    return this.#settings;
  }

  /** Changes settings. Throws the file system's error when the file cannot be opened; the old settings stay then. */
  configure(change: Partial<LogSettings>): void {
    const settings = { ...this.#settings, ...change };
    if (settings.file !== this.#settings.file) {
      const descriptor = settings.file === '' ? undefined : openSync(settings.file, 'a');
      this.close();
      this.#descriptor = descriptor;
    }
    this.#settings = settings;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  error(message: string, source?: string): void {
    if (this.#settings.errorEnabled) this.#line('E', message, source);
  }

  warning(message: string, source?: string): void {
    if (this.#settings.warningEnabled) this.#line('W', message, source);
  }

  info(message: string, source?: string): void {
    if (this.#settings.infoEnabled) this.#line('I', message, source);
  }

  verbose(level: number, message: string, source?: string): void {
    if (level <= this.#settings.verboseLevel) this.#line('V', message, source);
  }

  #line(severity: Severity, message: string, source = 'server.cc'): void {
    // Triton writes verbose messages with the letter of information.
    const letter = severity === 'V' ? 'I' : severity;
    const text = this.#escape ? JSON.stringify(message) : message;
    const line = `${this.#preamble(letter)} ${this.#processId} ${source}:1] ${text}\n`;
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, line);
    else this.#write(line);
  }

  #preamble(letter: string): string {
    const iso = new Date(this.#now()).toISOString();
    if (this.#settings.format === 'ISO8601') return `${iso.slice(0, 19)}Z ${letter}`;
    // 2024-09-20T12:34:56.123Z -> E0920 12:34:56.123000
    return `${letter}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`;
  }
}
