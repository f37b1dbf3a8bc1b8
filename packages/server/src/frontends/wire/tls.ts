import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { StatusError } from '@nereid/protocol';

/** PEM files that an HTTP listener needs for TLS. */
export interface HttpTlsOptions {
  /** `--http-tls-cert`: the server's certificate and those between it and the root. */
  readonly certificateFile: string;
  /** `--http-tls-key` */
  readonly keyFile: string;
  /** `--http-tls-client-ca`: clients have to show a certificate that one of these signed; not given: they need none. */
  readonly clientRootFile?: string | undefined;
}

/** As `https.createServer` takes them. */
export interface HttpTlsContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly minVersion: 'TLSv1.2';
}

/** Throws StatusError INVALID_ARG naming the flag and what is wrong with its file. */
export function readTlsContext({ certificateFile, keyFile, clientRootFile }: HttpTlsOptions): HttpTlsContext {
  const context: HttpTlsContext = {
    cert: readPem('http-tls-cert', certificateFile),
    key: readPem('http-tls-key', keyFile),
    ...(clientRootFile === undefined ? {} : { ca: readPem('http-tls-client-ca', clientRootFile) }),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(context);
  } catch (error) {
    const files = `--http-tls-cert '${certificateFile}' and --http-tls-key '${keyFile}'`;
    throw new StatusError('INVALID_ARG', `${files} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
  return context;
}

/** The files of a context. */
export function tlsFiles({ certificateFile, keyFile, clientRootFile }: HttpTlsOptions): readonly string[] {
  return [certificateFile, keyFile, ...(clientRootFile === undefined ? [] : [clientRootFile])];
}

function readPem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StatusError('INVALID_ARG', `--${flag} '${path}' cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
