import { fileURLToPath } from 'node:url';
import { uriDecode } from '../frontend/sigv4/index.ts';

/** Where model data is. */
export type Location =
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'file'; readonly path: string };

/** A URL that model data cannot come from. The message is fit for clients. */
export class LocationError extends Error {}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

function s3(bucket: string, key: string, url: string): Location {
  if (!BUCKET.test(bucket)) throw new LocationError(`'${url}' names no valid bucket`);
  return { kind: 's3', bucket, key };
}

/** S3's own https forms, read as `s3://bucket/key`: nothing is ever fetched from the address itself. */
function fromHttps(url: string): Location {
  const [, host = '', rest = ''] = /^https:\/\/([^/]+)\/?(.*)$/.exec(url) ?? [];
  const key = uriDecode(rest) ?? rest;
  if (/^s3[.-]([a-z0-9-]+\.)?amazonaws\.com$/.test(host) || host === 's3.amazonaws.com') {
    const slash = key.indexOf('/');
    return s3(slash < 0 ? key : key.slice(0, slash), slash < 0 ? '' : key.slice(slash + 1), url);
  }
  const [, bucket] = /^(.+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com$/.exec(host) ?? [];
  if (bucket !== undefined) return s3(bucket, key, url);
  throw new LocationError(`model data is read from s3:// or file:// only; '${url}' is another server's address`);
}

/** Reads `s3://bucket/key`, S3's https forms, or `file:///path`. Throws LocationError. */
export function parseLocation(url: string): Location {
  if (url.includes('\0')) throw new LocationError('the URL of the model data has a NUL character');
  if (url.startsWith('https://')) return fromHttps(url);
  if (url.startsWith('file://')) {
    try {
      return { kind: 'file', path: fileURLToPath(url) };
    } catch (error) {
      throw new LocationError(`'${url}' is no path on this machine: write file:///path`, { cause: error });
    }
  }
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(url) ?? [];
  return s3(bucket, key, url);
}
