import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c, crc64Nvme } from './crc-tables.ts';

/** S3's additional checksums, as they are spelled in `x-amz-checksum-…` headers. */
export const CHECKSUM_ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** Checksums of one object or part: algorithm → Base64. Composite ones end in `-<parts>`. */
export type Checksums = Partial<Record<ChecksumAlgorithm, string>>;

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name);
}

/** A digest that is fed piece by piece. */
export interface Digest {
  update(data: Uint8Array): void;
  digest(): Buffer;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function createDigest(algorithm: ChecksumAlgorithm | 'md5'): Digest {
  switch (algorithm) {
    case 'crc32': {
      let value = 0;
      return {
        update: (data) => {
          value = crc32(data, value);
        },
        digest: () => word(value),
      };
    }
    case 'crc32c': {
      let value = 0;
      return {
        update: (data) => {
          value = crc32c(data, value);
        },
        digest: () => word(value),
      };
    }
    case 'crc64nvme': {
      let value = { high: 0, low: 0 };
      return {
        update: (data) => {
          value = crc64Nvme(data, value);
        },
        digest: () => Buffer.concat([word(value.high), word(value.low)]),
      };
    }
    default: {
      const hash = createHash(algorithm);
      return {
        update: (data) => {
          hash.update(data);
        },
        digest: () => hash.digest(),
      };
    }
  }
}

/** The checksum of a multipart object made from its parts' checksums, in S3's `COMPOSITE` form. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  const digest = createDigest(algorithm);
  for (const part of parts) digest.update(Buffer.from(part, 'base64'));
  return `${digest.digest().toString('base64')}-${parts.length}`;
}
