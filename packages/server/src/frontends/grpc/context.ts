import { type SharedMemoryReference, StatusError } from '@nereid/protocol';
import type { InferenceServer } from '../../inference/index.ts';
import type { HeaderForwarding } from '../wire/header-forwarding.ts';
import { InferResponseEncoder } from './codec/infer-response.ts';
import { TextTable } from './codec/text-table.ts';
import type { CompressionLevel } from './transport/compression.ts';
import type { GrpcLimits } from './transport/limits.ts';

/** What all calls of one front end share. */
export class GrpcContext {
  readonly server: InferenceServer;
  readonly limits: GrpcLimits;
  readonly forwarding: HeaderForwarding;
  readonly compression: CompressionLevel;
  readonly texts = new TextTable();
  readonly encoder = new InferResponseEncoder();

  constructor(parts: {
    readonly server: InferenceServer;
    readonly limits: GrpcLimits;
    readonly forwarding: HeaderForwarding;
    readonly compression: CompressionLevel;
  }) {
    this.server = parts.server;
    this.limits = parts.limits;
    this.forwarding = parts.forwarding;
    this.compression = parts.compression;
  }

  /** Contents of a region. No region can be registered, so none is known. */
  sharedMemory({ region }: SharedMemoryReference): Uint8Array {
    throw new StatusError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
  }
}
