/** A model as the repository knows it: its name, and with namespacing the repository it comes from. */
export interface ModelId {
  /** The repository's path with namespacing, else ''. */
  readonly namespace: string;
  readonly name: string;
}

/** For maps. Without namespacing it is the name itself, so a request needs no string of its own to look a model up. */
export function modelKey(id: ModelId): string {
  return id.namespace === '' ? id.name : `${id.namespace}\0${id.name}`;
}

/** As messages print it: `name`, or `namespace::name`. */
export function printModelId(id: ModelId): string {
  return id.namespace === '' ? id.name : `${id.namespace}::${id.name}`;
}

/** As messages print the model of a `modelKey`. */
export function printModelKey(key: string): string {
  return key.replace('\0', '::');
}

/** By namespace, then by name, in the order of their bytes. */
export function compareModelIds(a: ModelId, b: ModelId): number {
  return compareBytes(a.namespace, b.namespace) || compareBytes(a.name, b.name);
}

/** Triton's order of names: by UTF-8 bytes, which is the order of code points. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
