/** Where the host reports what it does. Fields are attached as JSON; secrets are never among them. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

type Level = 'info' | 'warn' | 'error';

function printable(_name: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

/** One line an event: time, level, message, fields. JSON escapes keep line breaks and terminal codes of strangers out of the log. */
export function createLineLog(write: (line: string) => void, now: () => number): Log {
  const line = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    const safe = message.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
    const suffix = fields === undefined ? '' : ` ${JSON.stringify(fields, printable)}`;
    write(`${new Date(now()).toISOString()} ${level.toUpperCase()} ${safe}${suffix}\n`);
  };
  return {
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
  };
}
