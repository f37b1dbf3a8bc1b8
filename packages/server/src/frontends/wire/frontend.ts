import type { ListenAddress } from './listener.ts';

/** A front end that can be started and stopped. */
export interface Frontend {
  /** Rejects with the system's error when the address cannot be taken. */
  listen(): Promise<ListenAddress>;
  /** Takes no more requests and settles when those in flight are answered and all connections are closed. */
  close(): Promise<void>;
  /** Ends all connections at once. */
  destroy(): void;
}
