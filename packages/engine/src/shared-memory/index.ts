export { SharedMemoryError, type SharedMemoryFault } from './error.ts';
export { type SharedMemoryAccess, SharedMemoryOpener } from './opener.ts';
export type { SharedMemorySegment } from './segment.ts';
