import type { IncomingHttpHeaders } from 'node:http';

/** The head of a request that can be taken without `node:http`. */
export interface DirectHead {
  /** As sent, escapes included. There is no query. */
  readonly rawPath: string;
  /** By lower-case names; each occurs once. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turns, as sent. */
  readonly rawHeaders: readonly string[];
  readonly bodyBytes: number;
  /** Bytes of the head, the empty line included. */
  readonly headBytes: number;
}

/** Which requests a front end takes directly: POST to paths that it knows, with bodies it can hold. */
export interface DirectRules {
  /** Of the whole path. It must match neither a query nor a space. */
  readonly path: RegExp;
  readonly maxBodyBytes: number;
  /** False for headers by which a request is somebody else's. */
  accepts?(headers: IncomingHttpHeaders): boolean;
}

const METHOD = 'POST /';
const VERSION = ' HTTP/1.1';
const HEAD_END = '\r\n\r\n';
const NAME = /^[A-Za-z0-9-]+$/;
const LENGTH = /^\d{1,9}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be in a head, line ends that are not CR LF among it
const UNUSUAL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
/** Headers that change how a request is read. */
const SPECIAL = ['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'http2-settings'];
const MAX_HEAD_BYTES = 16 * 1024;
const MAX_HEADERS = 64;

/**
 * Reads the head of a request, if it is there in one piece and as plain as clients write it: POST, HTTP/1.1, no query, every header once, a
 * Content-Length of at most `maxBodyBytes`. undefined for everything else, hostile or only unusual, which is left to `node:http`: what this
 * function does not know it does not interpret.
 */
export function readDirectHead(data: Buffer, rules: DirectRules): DirectHead | undefined {
  if (data.toString('latin1', 0, METHOD.length) !== METHOD) return undefined;
  const end = data.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const text = data.toString('latin1', 0, end);
  if (UNUSUAL.test(text)) return undefined;
  const lines = text.split('\r\n');
  const rawPath = pathOf(lines[0] ?? '');
  if (rawPath === undefined || !rules.path.test(rawPath) || lines.length > MAX_HEADERS) return undefined;
  const rawHeaders: string[] = [];
  const headers: IncomingHttpHeaders = {};
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const key = name.toLowerCase();
    if (!NAME.test(name) || Object.hasOwn(headers, key)) return undefined;
    const value = line.slice(colon + 1).trim();
    headers[key] = value;
    rawHeaders.push(name, value);
  }
  const length = headers['content-length'] ?? '';
  if (!LENGTH.test(length) || Number(length) > rules.maxBodyBytes || !isPlain(headers)) return undefined;
  if (rules.accepts?.(headers) === false) return undefined;
  return { rawPath, headers, rawHeaders, bodyBytes: Number(length), headBytes: end + HEAD_END.length };
}

function pathOf(line: string): string | undefined {
  return line.endsWith(VERSION) ? line.slice(METHOD.length - 1, -VERSION.length) : undefined;
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  if (headers.host === undefined || SPECIAL.some((name) => Object.hasOwn(headers, name))) return false;
  const { connection } = headers;
  return connection === undefined || connection.toLowerCase() === 'keep-alive';
}

/** Clients send the same head again and again: reads one, and takes the next as read if its bytes are the same. */
export class DirectHeads {
  readonly #rules: DirectRules;
  #bytes: Buffer = Buffer.alloc(0);
  #head: DirectHead | undefined;

  constructor(rules: DirectRules) {
    this.#rules = rules;
  }

  /** As `readDirectHead`. What it returns must not be changed. */
  read(data: Buffer): DirectHead | undefined {
    const { length } = this.#bytes;
    if (this.#head !== undefined && data.length >= length && data.compare(this.#bytes, 0, length, 0, length) === 0) {
      return this.#head;
    }
    this.#head = readDirectHead(data, this.#rules);
    if (this.#head !== undefined) this.#bytes = Buffer.from(data.subarray(0, this.#head.headBytes));
    return this.#head;
  }
}
