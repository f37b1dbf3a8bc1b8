import { s3Error } from './s3-errors.ts';

const MAX_KEY_BYTES = 1024;

/** Throws InvalidBucketName unless S3's naming rules allow it: 3 to 63 of a–z, 0–9, `.` and `-`, no address, no empty label. */
export function assertBucketName(name: string): void {
  const valid =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !/\.\.|\.-|-\./.test(name) &&
    !/^\d{1,3}(\.\d{1,3}){3}$/.test(name);
  if (!valid) throw s3Error('InvalidBucketName', undefined, { BucketName: name.slice(0, 128) });
}

/** Keys are any text of 1 to 1024 bytes; they never become paths here. */
export function assertKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw s3Error('KeyTooLongError', undefined, { MaxSizeAllowed: String(MAX_KEY_BYTES) });
  }
  if (key.includes('\0') || !key.isWellFormed()) throw s3Error('InvalidURI');
}
