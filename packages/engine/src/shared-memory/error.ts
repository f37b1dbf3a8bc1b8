/** What went wrong with a shared memory object. `size`: it is smaller than what is asked for. */
export type SharedMemoryFault = 'unsupported' | 'open' | 'invalid' | 'size' | 'map';

/** A shared memory object that cannot be used. `message` holds the system's reason and neither names nor addresses. */
export class SharedMemoryError extends Error {
  readonly fault: SharedMemoryFault;

  constructor(fault: SharedMemoryFault, message: string) {
    super(message);
    this.name = 'SharedMemoryError';
    this.fault = fault;
  }
}
