import { GRPC_STATUS, GrpcError } from './status.ts';

/** The message of a call that takes exactly one. */
export class SingleMessage {
  #message: Buffer | undefined;

  /** Throws GrpcError UNIMPLEMENTED for a second message. */
  set(message: Buffer): void {
    if (this.#message !== undefined) throw new GrpcError(GRPC_STATUS.UNIMPLEMENTED, 'Too many request messages');
    this.#message = message;
  }

  /** Lets go of it. Throws GrpcError UNIMPLEMENTED when there was none. */
  take(): Buffer {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) throw new GrpcError(GRPC_STATUS.UNIMPLEMENTED, 'Request message is missing');
    return message;
  }
}
