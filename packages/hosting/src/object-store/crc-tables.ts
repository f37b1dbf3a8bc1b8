/** Reflected CRC-32 table of a polynomial, one entry a byte. */
function table32(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value >>> 0;
  });
}

const CASTAGNOLI = table32(0x82f63b78);

/** CRC-32C (Castagnoli), continued from `previous`. */
export function crc32c(data: Uint8Array, previous: number): number {
  let crc = ~previous >>> 0;
  for (let at = 0; at < data.length; at += 1) {
    crc = (crc >>> 8) ^ (CASTAGNOLI[(crc ^ (data[at] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

/** A 64-bit value in two halves: 64-bit arithmetic in JavaScript (BigInt) is a hundred times slower. */
export interface Word64 {
  high: number;
  low: number;
}

/** Reflected polynomial of CRC-64/NVME (NVM Express base specification). */
const NVME: Word64 = { high: 0x9a6c9329, low: 0xac4bc9b5 };

function tables64(): { high: Uint32Array; low: Uint32Array } {
  const tables = { high: new Uint32Array(256), low: new Uint32Array(256) };
  for (let byte = 0; byte < 256; byte += 1) {
    let [high, low] = [0, byte];
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = low & 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (odd) [high, low] = [(high ^ NVME.high) >>> 0, (low ^ NVME.low) >>> 0];
    }
    tables.high[byte] = high;
    tables.low[byte] = low;
  }
  return tables;
}

const TABLES_64 = tables64();

/** CRC-64/NVME, continued from `previous`. */
export function crc64Nvme(data: Uint8Array, previous: Word64): Word64 {
  let high = ~previous.high >>> 0;
  let low = ~previous.low >>> 0;
  for (let at = 0; at < data.length; at += 1) {
    const index = (low ^ (data[at] ?? 0)) & 0xff;
    low = (((low >>> 8) | (high << 24)) ^ (TABLES_64.low[index] ?? 0)) >>> 0;
    high = ((high >>> 8) ^ (TABLES_64.high[index] ?? 0)) >>> 0;
  }
  return { high: ~high >>> 0, low: ~low >>> 0 };
}
