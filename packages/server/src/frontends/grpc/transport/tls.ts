import { readFileSync } from 'node:fs';
import { StatusError } from '@nereid/protocol';

/** `--grpc-use-ssl`, `--grpc-use-ssl-mutual` and the files they go with. */
export interface TlsOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Clients have to show a certificate that one of `rootFile` signed. */
  readonly mutual: boolean;
  readonly rootFile: string;
}

/** Contents of PEM files. */
export interface TlsCredentials {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Undefined: clients need no certificate. */
  readonly clientRoots: Buffer | undefined;
}

/** Throws StatusError INVALID_ARG naming the flag and the file that cannot be read. */
export function readCredentials(options: TlsOptions): TlsCredentials {
  return {
    certificate: readPem('grpc-server-cert', options.certificateFile),
    key: readPem('grpc-server-key', options.keyFile),
    clientRoots: options.mutual ? readPem('grpc-root-cert', options.rootFile) : undefined,
  };
}

function readPem(flag: string, path: string): Buffer {
  if (path === '') throw new StatusError('INVALID_ARG', `TLS for gRPC needs --${flag}`);
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StatusError('INVALID_ARG', `--${flag} '${path}' cannot be read: ${reason}`, { cause: error });
  }
}
