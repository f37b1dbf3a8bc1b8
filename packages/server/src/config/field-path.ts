/**
 * Where in a ModelConfig something is: field names as in the `.proto`, list positions as numbers, map keys as `{ key }`.
 * `['input', 0, 'dims', 1]` prints as `input[0].dims[1]`.
 */
export type FieldPath = readonly PathSegment[];
export type PathSegment = string | number | { readonly key: string };

export function printFieldPath(path: FieldPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (typeof segment === 'object') text += `[${JSON.stringify(segment.key)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}
