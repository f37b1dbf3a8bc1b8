import { join } from 'node:path';
import { type Credentials, keptCredentials, readCredentialsFile } from './credentials.ts';
import { HostOptionError } from './host-option-error.ts';
import type { CompleteHostOptions } from './host-options.ts';
import { isLoopback } from './loopback.ts';

/** The keys that clients may sign with. */
export interface HostKeys {
  readonly all: readonly Credentials[];
  /** The pair that the data directory keeps, where nobody configured one. */
  readonly kept: { readonly credentials: Credentials; readonly file: string; readonly isNew: boolean } | undefined;
}

/**
 * Keys from the flags and the keys file; without those from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; without those, on loopback only, a pair of
 * the host's own. Throws HostOptionError, CredentialsError.
 */
export function hostKeys(options: CompleteHostOptions): HostKeys {
  const { accessKey, secretKey, keysFile, environment, address, dataDirectory } = options;
  const configured: Credentials[] = [];
  if (accessKey !== undefined && secretKey !== undefined) {
    configured.push({ accessKeyId: accessKey, secretAccessKey: secretKey });
  }
  if (keysFile !== undefined) configured.push(...readCredentialsFile(keysFile));
  const [accessKeyId, secretAccessKey] = [environment['AWS_ACCESS_KEY_ID'], environment['AWS_SECRET_ACCESS_KEY']];
  if (configured.length === 0 && accessKeyId && secretAccessKey) configured.push({ accessKeyId, secretAccessKey });
  if (configured.length > 0) return { all: configured, kept: undefined };
  if (!isLoopback(address)) {
    throw new HostOptionError(
      `no keys are configured, and '${address}' can be reached by others: give --access-key and --secret-key, or --keys-file`,
    );
  }
  const file = join(dataDirectory, 'credentials');
  const kept = keptCredentials(file);
  return { all: [kept.credentials], kept: { ...kept, file } };
}
