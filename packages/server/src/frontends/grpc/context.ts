import { type SharedMemoryReference, type SharedMemorySource, StatusError } from '@nereid/protocol';
import type { InferenceServer, RequestTracer, SharedMemory } from '../../inference/index.ts';
import type { HeaderForwarding } from '../wire/header-forwarding.ts';
import { SliceRunner } from '../wire/slice-runner.ts';
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
  /** Undefined: no region is known. */
  readonly sharedMemory: SharedMemory | undefined;
  /** Undefined: no request is traced. */
  readonly tracer: RequestTracer | undefined;
  readonly texts = new TextTable();
  readonly slices = new SliceRunner();
  readonly encoder = new InferResponseEncoder();

  constructor(parts: {
    readonly server: InferenceServer;
    readonly limits: GrpcLimits;
    readonly forwarding: HeaderForwarding;
    readonly compression: CompressionLevel;
    readonly sharedMemory?: SharedMemory | undefined;
    readonly tracer?: RequestTracer | undefined;
  }) {
    this.server = parts.server;
    this.limits = parts.limits;
    this.forwarding = parts.forwarding;
    this.compression = parts.compression;
    this.sharedMemory = parts.sharedMemory;
    this.tracer = parts.tracer;
  }
}

/** Shared memory where no region can be registered: none is known. */
export const NO_REGIONS: SharedMemorySource = { read: unknownRegion, reserve: unknownRegion };

function unknownRegion({ region }: SharedMemoryReference): never {
  throw new StatusError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
}
