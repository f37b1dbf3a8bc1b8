import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Date, region and service that a signature is bound to. */
export interface SigningScope {
  /** YYYYMMDD. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function scopeText({ date, region, service }: SigningScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

const MAX_CACHED_KEYS = 256;

/** Derives signing keys (four HMACs each) and remembers the latest ones: a client uses the same key all day. */
export class SigningKeys {
  readonly #keys = new Map<string, KeyObject>();

  get(secretAccessKey: string, scope: SigningScope): KeyObject {
    const name = `${secretAccessKey} ${scopeText(scope)}`;
    const cached = this.#keys.get(name);
    if (cached) return cached;
    const dateKey = hmac(`AWS4${secretAccessKey}`, scope.date);
    const key = createSecretKey(hmac(hmac(hmac(dateKey, scope.region), scope.service), 'aws4_request'));
    if (this.#keys.size >= MAX_CACHED_KEYS) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }
}

export function signText(key: KeyObject, stringToSign: string): string {
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}

/** Compares in constant time. */
export function sameSignature(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')];
  return x.length === y.length && timingSafeEqual(x, y);
}
