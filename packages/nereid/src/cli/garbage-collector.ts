import { setFlagsFromString } from 'node:v8';

/** The V8 of Node 24. Other versions may not know the flag, and would print that they do not. */
const KNOWN_VERSION = /^13\./;

/**
 * Lets the collector look at memory outside the heap (request bodies, tensors) as part of the whole. By default V8 collects the whole heap
 * after some 20 MB of such memory, however young: with large bodies dozens of times a second, on a few threads at once, which holds the event
 * loop where cores are few. Counted with the rest it is mostly freed with the young objects it belongs to.
 */
export function countMemoryOutsideTheHeap(): void {
  if (KNOWN_VERSION.test(process.versions.v8)) setFlagsFromString('--external-memory-accounted-in-global-limit');
}
