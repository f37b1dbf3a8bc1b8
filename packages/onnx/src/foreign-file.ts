/** How many bytes of a file's beginning tell what it is. */
export const FOREIGN_FILE_BYTES = 512;

/** Where a tar archive says that it is one. */
const TAR_MAGIC_AT = 257;

const MAGIC: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'it is a zip archive: unpack it, and put the model itself here'],
  [[0x1f, 0x8b], 'it is compressed with gzip: unpack it, and put the model itself here'],
  [[0x42, 0x5a, 0x68], 'it is compressed with bzip2: unpack it, and put the model itself here'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'it is compressed with xz: unpack it, and put the model itself here'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'it is compressed with Zstandard: unpack it, and put the model itself here'],
  [[0x89, 0x48, 0x44, 0x46], 'it is an HDF5 file, as Keras writes them'],
  [[0x80, 0x02], 'it is a Python pickle'],
  [[0x80, 0x04], 'it is a Python pickle'],
];

const TEXTS: readonly (readonly [begins: RegExp, what: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    'it is a Git LFS pointer, not what it points to: `git lfs pull` fetches that',
  ],
  [/^\s*(<!doctype html|<html)/i, 'it is an HTML page, as a download leaves behind that ended at a login or an error'],
  [/^\s*<(\?xml|Error>)/i, 'it is XML, as a download leaves behind that ended at an error of an object store'],
  [/^\s*[{[]\s*["\]}[{]/, 'it is JSON text'],
];

/**
 * What a file is that cannot be read as a model, told by its first bytes (`FOREIGN_FILE_BYTES` of them or fewer), as the end of a sentence, for
 * the usual mishaps. Undefined when it is none of them: it may be a model that is damaged.
 */
export function describeForeignFile(head: Uint8Array): string | undefined {
  if (head.length === 0) return 'it is empty';
  const found = MAGIC.find(([bytes]) => bytes.every((byte, index) => head[index] === byte));
  if (found !== undefined) return found[1];
  const text = Buffer.from(head.subarray(0, FOREIGN_FILE_BYTES)).toString('latin1');
  if (text.startsWith('ustar', TAR_MAGIC_AT)) return 'it is a tar archive: unpack it, and put the model itself here';
  return TEXTS.find(([begins]) => begins.test(text.replace(/^ï»¿/, '')))?.[1];
}
