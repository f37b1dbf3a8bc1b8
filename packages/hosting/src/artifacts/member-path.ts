/** A name inside an archive or under a prefix that must not become a path. */
export class MemberPathError extends Error {}

const MAX_PATH_BYTES = 1024;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 32;

/**
 * The folders and the name of an archive member, safe to join to a directory: relative, without `..`, backslashes, NUL or over-long parts. An empty
 * result is the directory itself (`./`). Throws MemberPathError.
 */
export function memberSegments(path: string): string[] {
  const shown = `'${path.length > 128 ? `${path.slice(0, 128)}…` : path}'`;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path))
    throw new MemberPathError(`member ${shown} has an absolute path`);
  if (path.includes('\0') || path.includes('\\'))
    throw new MemberPathError(`member ${shown} has a NUL character or a backslash in its name`);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new MemberPathError(`member ${shown} has a path of more than ${MAX_PATH_BYTES} bytes`);
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw new MemberPathError(`member ${shown} leaves the archive's directory`);
  if (segments.length > MAX_DEPTH)
    throw new MemberPathError(`member ${shown} is nested deeper than ${MAX_DEPTH} folders`);
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_NAME_BYTES)) {
    throw new MemberPathError(`member ${shown} has a name of more than ${MAX_NAME_BYTES} bytes`);
  }
  return segments;
}
