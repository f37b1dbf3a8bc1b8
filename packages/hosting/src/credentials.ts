import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A keys file that cannot be read. Names the file and the line, never a secret. */
export class CredentialsError extends Error {}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A pair in the form of AWS's own: 20 characters, and 40 of Base64. */
export function createCredentials(): Credentials {
  const id = [...randomBytes(16)].map((byte) => BASE32[byte & 31]).join('');
  return { accessKeyId: `AKIA${id}`, secretAccessKey: randomBytes(30).toString('base64') };
}

/** Reads the pairs of a file in the form of `~/.aws/credentials`. Throws CredentialsError. */
export function readCredentialsFile(path: string): Credentials[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CredentialsError(`keys file '${path}' cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
  const pairs: Credentials[] = [];
  let accessKeyId: string | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';') || line.startsWith('[')) continue;
    const [, name, value = ''] = /^(\w+)\s*=\s*(\S+)$/.exec(line) ?? [];
    if (name === 'aws_access_key_id') accessKeyId = value;
    else if (name === 'aws_secret_access_key' && accessKeyId !== undefined) {
      pairs.push({ accessKeyId, secretAccessKey: value });
      accessKeyId = undefined;
    } else if (name === undefined || name === 'aws_secret_access_key') {
      throw new CredentialsError(
        `keys file '${path}' line ${index + 1} is neither 'aws_access_key_id = …' nor a secret after one`,
      );
    }
  }
  if (pairs.length === 0) throw new CredentialsError(`keys file '${path}' holds no pair of keys`);
  return pairs;
}

/** The pair that a data directory keeps for itself, made when it is not there. Readable by its owner only. */
export function keptCredentials(path: string): { credentials: Credentials; isNew: boolean } {
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    const [credentials] = readCredentialsFile(path);
    if (credentials) return { credentials, isNew: false };
  }
  const credentials = createCredentials();
  const text = `[default]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`;
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  return { credentials, isNew: true };
}
