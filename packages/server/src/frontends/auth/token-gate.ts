import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '@nereid/protocol';
import type { Logger } from '../../inference/index.ts';
import { WatchedFiles } from '../wire/watched-files.ts';
import type { Denial, GuardedApi, RequestGate } from './gate.ts';
import { parseTokenFile, type TokenEntry, tokenDigest } from './token-file.ts';

export interface TokenGateOptions {
  /** `--auth-token-file` */
  readonly tokenFile: string;
  /** `--auth-public-api`: what needs no token. */
  readonly publicApis?: ReadonlySet<GuardedApi> | undefined;
  readonly log: Logger;
  /** How often the file is looked at. */
  readonly watchIntervalMs?: number | undefined;
}

const BEARER = /^bearer +(\S+) *$/i;
const REALM = 'Bearer realm="nereid"';
const MISSING: Denial = {
  kind: 'unauthenticated',
  message: "authentication is required: send 'Authorization: Bearer <token>' or 'X-API-Key: <token>'",
  challenge: REALM,
};
const UNKNOWN: Denial = {
  kind: 'unauthenticated',
  message: 'the token is not valid',
  challenge: `${REALM}, error="invalid_token"`,
};
const FORBIDDEN: Denial = {
  kind: 'forbidden',
  message: 'the token does not open this API',
  challenge: `${REALM}, error="insufficient_scope"`,
};
const WORLD_READABLE = 0o004;

/**
 * Lets in who shows a token of a file, as bearer token or API key. The file is read again when it changes; one that cannot be used is
 * reported and the tokens stay what they were.
 */
export class TokenGate implements RequestGate {
  readonly #options: TokenGateOptions;
  readonly #files: WatchedFiles;
  /** Digests are looked up under a key of this process, so that how long it takes says nothing about them. */
  readonly #key = randomBytes(32);
  #entries: ReadonlyMap<string, TokenEntry>;

  /** Throws StatusError INVALID_ARG for a file that cannot be read or understood. */
  constructor(options: TokenGateOptions) {
    this.#options = options;
    // Watched first: a change while it is read is a change.
    this.#files = new WatchedFiles([options.tokenFile], () => this.reload(), options.watchIntervalMs);
    try {
      this.#entries = this.#read();
      this.#warnIfOpen();
    } catch (error) {
      this.#files.close();
      throw error;
    }
  }

  denial(headers: IncomingHttpHeaders, api: GuardedApi | undefined): Denial | undefined {
    if (api !== undefined && this.#options.publicApis?.has(api) === true) return undefined;
    const token = presentedToken(headers);
    if (token === undefined) return MISSING;
    const entry = this.#find(token);
    if (entry === undefined) return UNKNOWN;
    if (entry.apis === undefined || (api !== undefined && entry.apis.has(api))) return undefined;
    return FORBIDDEN;
  }

  /** Reads the file again. */
  reload(): void {
    const { log, tokenFile } = this.#options;
    try {
      this.#entries = this.#read();
      log.info(`read ${this.#entries.size} tokens from '${tokenFile}'`);
    } catch (error) {
      log.error(`${StatusError.from(error).message}; the tokens read before stay valid`);
    }
  }

  /** Stops following the file. */
  close(): void {
    this.#files.close();
  }

  #read(): ReadonlyMap<string, TokenEntry> {
    const { tokenFile } = this.#options;
    try {
      const entries = parseTokenFile(readFileSync(tokenFile, 'utf8'));
      return new Map(entries.map((entry) => [this.#indexOf(entry.digest), entry]));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StatusError('INVALID_ARG', `--auth-token-file '${tokenFile}' cannot be used: ${reason}`, {
        cause: error,
      });
    }
  }

  #find(token: string): TokenEntry | undefined {
    const digest = tokenDigest(token);
    const entry = this.#entries.get(this.#indexOf(digest));
    return entry !== undefined && timingSafeEqual(entry.digest, digest) ? entry : undefined;
  }

  #indexOf(digest: Buffer): string {
    return createHmac('sha256', this.#key).update(digest).digest('base64');
  }

  #warnIfOpen(): void {
    const { log, tokenFile } = this.#options;
    if ((statSync(tokenFile).mode & WORLD_READABLE) === 0) return;
    log.warning(`the token file '${tokenFile}' can be read by every user of this machine`);
  }
}

/** The token of a request; undefined when it shows none. Tokens in a query are none: addresses end up in logs. */
function presentedToken(headers: IncomingHttpHeaders): string | undefined {
  const bearer = BEARER.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
