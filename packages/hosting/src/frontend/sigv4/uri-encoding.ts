/** RFC 3986: everything but the unreserved characters is escaped, as SigV4 wants it (`encodeURIComponent` leaves `!'()*` alone). */
export function uriEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Like `uriEncode`, but keeps the slashes between segments. */
export function uriEncodePath(path: string): string {
  // Most paths have nothing to escape.
  if (/^[A-Za-z0-9/._~-]*$/.test(path)) return path;
  return uriEncode(path).replaceAll('%2F', '/');
}

/** Percent-decodes; undefined where an escape is broken or the bytes are no UTF-8. */
export function uriDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
