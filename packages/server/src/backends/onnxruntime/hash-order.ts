/**
 * The order in which Triton lists the inputs and outputs it fills in: that of a C++ `std::unordered_map<std::string, …>` (libstdc++, 64 bit).
 * The map keeps one list of elements. An element whose bucket is empty goes to the front of the list, others to the front of their bucket.
 */
export function unorderedMapOrder(names: readonly string[]): string[] {
  let bucketCount = 1;
  let buckets: Bucket[] = [];
  let size = 0;
  for (const name of new Set(names)) {
    const next = ++size > bucketCount || bucketCount === 1 ? grow(bucketCount, size) : bucketCount;
    if (next !== bucketCount) {
      bucketCount = next;
      const elements = buckets.flatMap((bucket) => bucket.names);
      buckets = [];
      for (const element of elements) insert(buckets, element, bucketCount);
    }
    insert(buckets, name, bucketCount);
  }
  return buckets.flatMap((bucket) => bucket.names);
}

interface Bucket {
  readonly index: number;
  readonly names: string[];
}

function insert(buckets: Bucket[], name: string, bucketCount: number): void {
  const index = Number(hashBytes(Buffer.from(name)) % BigInt(bucketCount));
  const bucket = buckets.find((candidate) => candidate.index === index);
  if (bucket === undefined) buckets.unshift({ index, names: [name] });
  else bucket.names.unshift(name);
}

/** Bucket counts that a growing map goes through. */
const BUCKET_COUNTS = [13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043];

function grow(bucketCount: number, size: number): number {
  return BUCKET_COUNTS.find((count) => count > bucketCount && count >= size) ?? bucketCount;
}

const MASK = 0xffffffffffffffffn;
const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;

/** `std::_Hash_bytes`: MurmurHash64A with libstdc++'s seed. */
function hashBytes(bytes: Buffer): bigint {
  const aligned = bytes.byteLength & ~7;
  let hash = SEED ^ multiply(BigInt(bytes.byteLength), MULTIPLIER);
  for (let position = 0; position < aligned; position += 8) {
    const word = multiply(shiftMix(multiply(bytes.readBigUInt64LE(position), MULTIPLIER)), MULTIPLIER);
    hash = multiply(hash ^ word, MULTIPLIER);
  }
  if (aligned < bytes.byteLength) {
    let word = 0n;
    for (let position = bytes.byteLength - 1; position >= aligned; position--)
      word = (word << 8n) | BigInt(bytes[position] ?? 0);
    hash = multiply(hash ^ word, MULTIPLIER);
  }
  return shiftMix(multiply(shiftMix(hash), MULTIPLIER));
}

function multiply(a: bigint, b: bigint): bigint {
  return (a * b) & MASK;
}

function shiftMix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
